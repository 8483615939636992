import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import type { RequestFault } from '../../../src/broker/request-fault-spec.ts'
import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { connectClient } from '../../../src/client/node-client.ts'
import { startBroker } from '../../../src/index.ts'
import type { TestBroker } from '../../../src/testing/test-broker.ts'

let broker: TestBroker
let client: KafkaClient

beforeEach(async () => {
  broker = await startBroker({ topics: ['orders'] })
  client = await connectClient({ bootstrapServers: broker.bootstrapServers, requestTimeoutMs: 10_000 })
})

afterEach(async () => {
  await client.close()
  await broker.close()
})

const RECORDS = [{ value: Buffer.from('v') }]

function produce() {
  return client.produce('orders', RECORDS)
}

async function readOne() {
  const reading = client.records([{ topic: 'orders', partition: 0, offset: 0, endOffset: 1 }], { maxWaitMs: 20 })
  for await (const { value } of reading) return String(value)
  return null
}

/** Twice, so that the second try fails as well. */
function twice(fault: RequestFault): () => void {
  const { id } = broker.faults.add({ ...fault, times: 2 })
  return () => expect(broker.faults.fired(id)).toBe(2)
}

describe('a client gets over', () => {
  it.each(['NOT_LEADER_OR_FOLLOWER', 'LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION', 'KAFKA_STORAGE_ERROR'])(
    '%s where it produces, reads and asks for offsets',
    async (errorCode) => {
      for (const [api, act] of [
        ['Produce', produce],
        ['Fetch', readOne],
        ['ListOffsets', () => client.offsets([{ topic: 'orders', partition: 0, at: 'latest' }])],
      ] as const) {
        const fired = twice({ kind: 'error', api, errorCode })
        await act()
        fired()
      }
      expect(await readOne()).toBe('v')
    },
  )

  it.each(['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR'])(
    '%s of a group',
    async (errorCode) => {
      for (const api of ['FindCoordinator', 'OffsetCommit', 'OffsetFetch']) {
        const fired = twice({ kind: 'error', api, errorCode })
        await client.commitOffsets(`group-${api}`, [{ topic: 'orders', partition: 0, offset: 1 }])
        expect(await client.committedOffsets(`group-${api}`)).toMatchObject([{ offset: 1 }])
        fired()
      }
    },
  )

  it.each(['disconnect', 'lose-answer'] as const)('%s, where a request may be sent again', async (kind) => {
    const fired = twice({ kind, api: 'Metadata' })
    expect((await client.topics(['orders']))[0]!.partitions).toHaveLength(1)
    fired()
  })
})

it('an answer may hold more records than a call can have arguments', async () => {
  const count = 200_000
  const records = Array.from({ length: count }, () => ({ value: null }))
  await client.produce('orders', records, { compression: 'lz4' })
  let seen = 0
  const reading = client.recordBatches([{ topic: 'orders', partition: 0, offset: 0, endOffset: count }])
  for await (const batch of reading) seen += batch.length
  expect(seen).toBe(count)
})

describe('a client says', () => {
  it('that it does not know what became of a request that may not be sent again', async () => {
    broker.faults.add({ kind: 'lose-answer', api: ['Produce', 'CreateTopics'] })
    await expect(produce()).rejects.toMatchObject({ kind: 'disconnected' })
    expect(broker.topic('orders').endOffsets).toEqual([1])
    const topic = { name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const creating = client.send(CreateTopics, { topics: [topic], timeoutMs: 1000 }, 'controller')
    await expect(creating).rejects.toMatchObject({ kind: 'disconnected' })
  })

  it('which partition was refused, and why', async () => {
    broker.faults.add({ kind: 'error', api: 'Produce', errorCode: 'POLICY_VIOLATION' })
    await expect(produce()).rejects.toThrow('producing to orders-0: POLICY_VIOLATION')
    broker.faults.add({ kind: 'error', api: 'Fetch', errorCode: 'TOPIC_AUTHORIZATION_FAILED' })
    await expect(readOne()).rejects.toThrow('reading orders-0 at 0: TOPIC_AUTHORIZATION_FAILED')
  })

  it('that no answer came in time, and goes on with a new connection', async () => {
    broker.faults.add({ kind: 'black-hole', api: 'ListGroups', times: 1 })
    const request = { statesFilter: [], typesFilter: [] }
    const waiting = client.send(ListGroups, request, 'any', { timeoutMs: 50 })
    await expect(waiting).rejects.toThrow('no answer to ListGroups within')
    expect(await client.send(ListGroups, request)).toMatchObject({ errorCode: 0 })
  })

  it('what is still wrong when the time is over', async () => {
    broker.faults.add({ kind: 'error', api: 'Produce', errorCode: 'NOT_LEADER_OR_FOLLOWER' })
    await expect(client.produce('orders', RECORDS, { timeoutMs: 200 })).rejects.toThrow('NOT_LEADER_OR_FOLLOWER')
  })

  it('that there is no such topic where none is made', async () => {
    const other = await startBroker({ config: { 'auto.create.topics.enable': false } })
    const mine = await connectClient({ bootstrapServers: other.bootstrapServers, requestTimeoutMs: 200 })
    await expect(mine.produce('nothing', RECORDS)).rejects.toThrow('nothing: UNKNOWN_TOPIC_OR_PARTITION')
    await mine.close()
    await other.close()
  })
})
