import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Broker } from '../../../compat-tests/broker.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { EndTxn } from '../../../protocol/messages/26-end-txn.ts'
import { TxnOffsetCommit } from '../../../protocol/messages/28-txn-offset-commit.ts'
import { batchesIn } from '../../wire/batches.ts'
import { fetchRequest } from '../../wire/data.ts'
import {
  describeTransaction,
  GENERATIONS,
  type Generation,
  TransactionalProducer,
  untilComplete,
} from '../../wire/transactional-producer.ts'
import { type TestTopic, WireTest } from '../../wire/wire-test.ts'

/** One life of the broker, and the connections into it. */
class Lives {
  readonly broker = new Broker('odradek')
  test: WireTest | undefined

  async begin(): Promise<WireTest> {
    await this.broker.start()
    this.test = new WireTest({ kind: 'odradek', host: this.broker.host, port: this.broker.port })
    return this.test
  }

  async again(how: 'kill' | 'stop'): Promise<WireTest> {
    this.test?.end()
    await this.broker[how]()
    return this.begin()
  }

  async dispose(): Promise<void> {
    this.test?.end()
    await this.broker.dispose()
  }
}

/** The same producer in the next life: what it knew it still knows. */
function survivor(test: WireTest, { id, generation, identity }: TransactionalProducer): TransactionalProducer {
  return Object.assign(new TransactionalProducer(test, id, generation), identity)
}

async function readCommitted(test: WireTest, topic: TestTopic) {
  const { responses } = await test.call(Fetch, 13, fetchRequest(topic, 0, { isolationLevel: 1 }))
  const { records, lastStableOffset, abortedTransactions } = responses[0]!.partitions[0]!
  return { offsets: batchesIn(records).map(({ baseOffset }) => baseOffset), lastStableOffset, abortedTransactions }
}

async function pendOffset(producer: TransactionalProducer, groupId: string, { name }: TestTopic): Promise<void> {
  const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }]
  const { topics } = await producer.test.call(TxnOffsetCommit, 5, {
    ...{ transactionalId: producer.id, ...producer.identity, groupId },
    topics: [{ name, partitions }],
  })
  expect(topics[0]!.partitions[0]!.errorCode).toBe(0)
}

async function stableOffset(test: WireTest, groupId: string, { name }: TestTopic): Promise<number> {
  const { topics } = await test.call(OffsetFetch, 7, {
    ...{ groupId, requireStable: true },
    topics: [{ name, partitionIndexes: [0] }],
  })
  const { errorCode, committedOffset } = topics[0]!.partitions[0]!
  return errorCode === 0 ? committedOffset : -errorCode
}

describe.each(['kill', 'stop'] as const)('transactions when the broker is started again (%s)', (how) => {
  const lives = new Lives()

  beforeAll(async () => {
    await lives.begin()
  })

  afterAll(async () => {
    await lives.dispose()
  })

  it('without a transaction: the next producer has the next epoch, not the same', async () => {
    const before = await TransactionalProducer.start(lives.test!)
    const test = await lives.again(how)
    expect(await describeTransaction(test, before.id)).toMatchObject({ transactionState: 'Empty', ...before.identity })
    const next = new TransactionalProducer(test, before.id, 2)
    await next.begin()
    expect(next.identity).toEqual({ ...before.identity, producerEpoch: before.producerEpoch + 1 })
  })

  it.each(GENERATIONS)(
    'generation %i: an open transaction stays open, and is committed',
    async (generation: Generation) => {
      const topic = await lives.test!.topic()
      const before = await TransactionalProducer.writing(lives.test!, topic, generation)
      const test = await lives.again(how)
      expect(await readCommitted(test, topic)).toMatchObject({ offsets: [], lastStableOffset: 0 })
      const after = survivor(test, before)
      expect((await after.send(topic, { sequence: 0 })).baseOffset).toBe(0)
      expect((await after.send(topic, { sequence: 2 })).errorCode).toBe(45)
      expect((await after.send(topic, { sequence: 1 })).baseOffset).toBe(1)
      expect(await after.end(true)).toBe(0)
      await untilComplete(test, after.id)
      const committed = { offsets: [0, 1, 2], lastStableOffset: 3, abortedTransactions: [] }
      expect(await readCommitted(test, topic)).toEqual(committed)
    },
  )

  it('trap 82: what was decided is carried out, and the repeated request is answered as the first would have been', async () => {
    const topic = await lives.test!.topic({ partitions: 1 })
    const [one, two] = [
      await TransactionalProducer.writing(lives.test!, topic),
      await TransactionalProducer.writing(lives.test!, topic),
    ]
    const asked = [
      { transactionalId: one.id, ...one.identity, committed: true },
      { transactionalId: two.id, ...two.identity, committed: false },
    ]
    await Promise.all([one.end(true), two.end(false)])
    const test = await lives.again(how)
    await Promise.all([untilComplete(test, one.id), untilComplete(test, two.id)])
    const abortedTransactions = [{ producerId: two.producerId, firstOffset: 1 }]
    const settled = await readCommitted(test, topic)
    // A marker whose completion was not written any more is written once more.
    const end = settled.offsets.length
    expect(end).toBeLessThanOrEqual(6)
    expect(settled.offsets.slice(0, 4)).toEqual([0, 1, 2, 3])
    expect(settled).toMatchObject({ lastStableOffset: end, abortedTransactions })
    for (const [at, request] of asked.entries()) {
      const answer = { errorCode: 0, producerId: request.producerId, producerEpoch: request.producerEpoch + 1 }
      expect(await test.call(EndTxn, 5, request)).toMatchObject(answer)
      const other = { ...request, committed: !request.committed }
      expect((await test.call(EndTxn, 5, other)).errorCode, `request ${at}`).toBe(48)
    }
    const again = await lives.again(how)
    expect(await readCommitted(again, topic)).toEqual(settled)
  })

  it.each([true, false])('offsets wait for their transaction (commit: %s)', async (committed) => {
    const [groupId, topic] = [lives.test!.unique('group'), await lives.test!.topic()]
    const before = await TransactionalProducer.start(lives.test!)
    await pendOffset(before, groupId, topic)
    const test = await lives.again(how)
    expect(await stableOffset(test, groupId, topic)).toBe(-88)
    const after = survivor(test, before)
    expect(await after.end(committed)).toBe(0)
    await untilComplete(test, after.id)
    expect(await stableOffset(test, groupId, topic)).toBe(committed ? 5 : -1)
    const again = await lives.again(how)
    expect(await stableOffset(again, groupId, topic)).toBe(committed ? 5 : -1)
  })

  it('an open transaction of a producer that never comes back is ended by the next one', async () => {
    const topic = await lives.test!.topic()
    const lost = await TransactionalProducer.writing(lives.test!, topic)
    const test = await lives.again(how)
    const request = { transactionalId: lost.id, transactionTimeoutMs: 60_000 }
    expect((await test.call(InitProducerId, 4, request)).errorCode).toBe(51)
    const next = new TransactionalProducer(test, lost.id, 2)
    await next.begin()
    expect(next.identity).toEqual({ ...lost.identity, producerEpoch: lost.producerEpoch + 2 })
    expect(await readCommitted(test, topic)).toMatchObject({ offsets: [0, 1], lastStableOffset: 2 })
    expect((await survivor(test, lost).send(topic, { sequence: 1 })).errorCode).toBe(47)
  })
})
