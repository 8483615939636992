import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { BATCH_HEADER_BYTES, patchCrc } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { CompressionCodec } from '../../protocol/records/compression.ts'
import type { InterceptedBatch } from '../../src/broker/intercepted-batch.ts'
import { type ProduceInterceptor, ProduceInterceptors } from '../../src/broker/produce-interceptors.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { captureLog } from '../support/log-capture.ts'
import { batchOf, ObservedBroker } from './observed-broker.ts'

let broker: ObservedBroker
beforeEach(async () => {
  broker = await ObservedBroker.start()
  await broker.createTopic('orders', 2)
  await broker.createTopic('quarantine')
})
afterEach(() => broker.close())

const valuesOf = async (topic: string, partition = 0) =>
  (await broker.stored(topic, partition)).flatMap(({ values }) => values)

const produceOne = async (value = 'a', partition = 0) =>
  (await broker.produce([{ topic: 'orders', partition, batch: batchOf(value) }]))[0]!

describe('what an interceptor sees', () => {
  it('is the batch and who sent it', async () => {
    const seen: InterceptedBatch[] = []
    broker.interceptors.add((batch) => {
      seen.push(batch)
      return null
    })
    const batch = { ...batchOf('a', 'b'), producerId: 5, producerEpoch: 1, baseSequence: 0 }
    await broker.produce([{ topic: 'orders', partition: 1, batch }])
    expect(seen).toMatchObject([
      {
        ...{ topic: 'orders', partition: 1, clientId: 'tester', clientAddress: '127.0.0.1' },
        ...{ principal: 'User:ANONYMOUS', acks: -1, recordCount: 2, compression: 'none' },
        ...{ producerId: 5, producerEpoch: 1, baseSequence: 0, idempotent: true, transactional: false },
      },
    ])
    expect(seen[0]!.sizeBytes).toBe(buildBatch(batch).length)
    expect(await valuesOf('orders', 1)).toEqual(['a', 'b'])
  })

  it.each(Object.entries(CompressionCodec))('records are decoded, compressed with %s or not', async (name, codec) => {
    const seen: unknown[] = []
    broker.interceptors.add((batch) => {
      expect(batch.compression).toBe(name.toLowerCase())
      seen.push(...batch.records())
      return null
    })
    const headers = [{ key: 'h', value: Buffer.from('v') }]
    const records = [
      { timestamp: 1000, key: Buffer.from('k'), value: Buffer.from('v'.repeat(500)), headers },
      { timestamp: 1001, key: null, value: null },
    ]
    await broker.produce([{ topic: 'orders', partition: 0, batch: { codec, records } }])
    expect(seen).toEqual([
      { index: 0, timestampMs: 1000, key: Buffer.from('k'), value: Buffer.from('v'.repeat(500)), headers },
      { index: 1, timestampMs: 1001, key: null, value: null, headers: [] },
    ])
  })

  it('is a copy: what it does to the records stays with it', async () => {
    broker.interceptors.add((batch) => {
      batch.records()[0]!.value!.fill('x')
      return null
    })
    expect((await produceOne('abc')).errorCode).toBe(0)
    expect(await valuesOf('orders')).toEqual(['abc'])
  })

  it('ends with the call: kept for later, a batch gives no records any more', async () => {
    const kept: InterceptedBatch[] = []
    broker.interceptors.add((batch) => {
      kept.push(batch)
      return null
    })
    await produceOne()
    expect(() => kept[0]!.records()).toThrow('only there while the interceptor runs')
  })

  it('is whole batches only: what is damaged is refused by the log as without interceptors', async () => {
    let asked = 0
    const damaged = buildBatch(batchOf('a'))
    damaged[damaged.length - 1]! ^= 1
    const cases = [damaged, Buffer.alloc(70), Buffer.concat([buildBatch(batchOf('a')), buildBatch(batchOf('b'))])]
    const answers = async () => {
      const codes: unknown[] = []
      for (const bytes of cases) {
        const [answer] = await broker.produce([{ topic: 'orders', partition: 0, batch: Buffer.from(bytes) }])
        codes.push([answer!.errorCode, answer!.errorMessage])
      }
      return codes
    }
    const without = await answers()
    broker.interceptors.add(() => {
      asked++
      return null
    })
    expect(await answers()).toEqual(without)
    expect(without.map((one) => (one as [number])[0])).toEqual([
      ErrorCode.CORRUPT_MESSAGE,
      ErrorCode.CORRUPT_MESSAGE,
      ErrorCode.INVALID_RECORD,
    ])
    expect(asked).toBe(0)
  })
})

describe('an interceptor that rejects', () => {
  it.each([
    { reject: 'POLICY_VIOLATION', message: 'no orders on Sundays' },
    { reject: 44, message: 'no orders on Sundays' },
  ] as const)(
    'answers its partition with error and message ($reject), its neighbours are appended',
    async (rejection) => {
      broker.observe('produce')
      broker.interceptors.add(({ partition }) => (partition === 1 ? rejection : null))
      const answers = await broker.produce([
        { topic: 'orders', partition: 0, batch: batchOf('a') },
        { topic: 'orders', partition: 1, batch: batchOf('b') },
      ])
      expect(answers).toMatchObject([
        { errorCode: 0, baseOffset: 0 },
        { errorCode: ErrorCode.POLICY_VIOLATION, errorMessage: 'no orders on Sundays', baseOffset: -1 },
      ])
      expect(await valuesOf('orders', 1)).toEqual([])
      expect(broker.of('produce')[1]).toMatchObject({
        errorCode: 44,
        errorMessage: 'no orders on Sundays',
        recordCount: 1,
      })
    },
  )

  it('leaves the sequence of an idempotent producer as it was', async () => {
    const remove = broker.interceptors.add(() => ({ reject: 'POLICY_VIOLATION' }))
    const batch = { ...batchOf('a'), producerId: 5, producerEpoch: 0, baseSequence: 0 }
    const [rejected] = await broker.produce([{ topic: 'orders', partition: 0, batch }])
    expect(rejected).toMatchObject({
      errorCode: 44,
      errorMessage: 'An interceptor rejected the batch: POLICY_VIOLATION.',
    })
    remove()
    const [accepted] = await broker.produce([{ topic: 'orders', partition: 0, batch }])
    expect(accepted).toMatchObject({ errorCode: 0, baseOffset: 0 })
  })

  it('is asked in the order of its coming, and the first answer counts', async () => {
    const asked: string[] = []
    const interceptor = (name: string, answer: ReturnType<ProduceInterceptor>) => {
      return broker.interceptors.add(() => {
        asked.push(name)
        return answer
      })
    }
    interceptor('first', undefined)
    const removeSecond = interceptor('second', { reject: 'POLICY_VIOLATION' })
    interceptor('third', { reject: 'INVALID_RECORD' })
    expect((await produceOne()).errorCode).toBe(ErrorCode.POLICY_VIOLATION)
    expect(asked).toEqual(['first', 'second'])
    removeSecond()
    expect((await produceOne()).errorCode).toBe(ErrorCode.INVALID_RECORD)
  })

  it('can ask for a retry with one of the codes that clients retry', async () => {
    let left = 1
    broker.interceptors.add(() => (left-- > 0 ? { reject: 'NOT_ENOUGH_REPLICAS' } : null))
    expect((await produceOne()).errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect((await produceOne()).errorCode).toBe(0)
  })
})

describe('an interceptor that routes', () => {
  it('sends the batch elsewhere, and the client gets the offset there', async () => {
    broker.observe('produce')
    await broker.produce([{ topic: 'quarantine', partition: 0, batch: batchOf('before') }])
    broker.interceptors.add((batch) => {
      const bad = batch.records().some(({ value }) => value?.toString() === 'bad')
      return bad ? { route: { topic: 'quarantine' } } : null
    })
    expect(await produceOne('bad')).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect(await produceOne('good')).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await valuesOf('quarantine')).toEqual(['before', 'bad'])
    expect(await valuesOf('orders')).toEqual(['good'])
    expect(broker.of('produce')[1]).toMatchObject({
      ...{ topic: 'quarantine', partition: 0, baseOffset: 1 },
      routedFrom: { topic: 'orders', partition: 0 },
    })
  })

  it('of two partitions to one: both are appended, in the order of the request', async () => {
    broker.interceptors.add(() => ({ route: { topic: 'quarantine', partition: 0 } }))
    const answers = await broker.produce([
      { topic: 'orders', partition: 1, batch: batchOf('one', 'two') },
      { topic: 'orders', partition: 0, batch: batchOf('three') },
    ])
    expect(answers.map(({ index, baseOffset }) => [index, baseOffset])).toEqual([
      [1, 0],
      [0, 2],
    ])
    expect(await valuesOf('quarantine')).toEqual(['one', 'two', 'three'])
  })

  it('keeps to the partition of the request where it names none', async () => {
    await broker.createTopic('other', 2)
    broker.interceptors.add(() => ({ route: { topic: 'other' } }))
    await produceOne('a', 1)
    expect(await valuesOf('other', 1)).toEqual(['a'])
  })

  it.each([
    ['a topic that does not exist', { topic: 'nowhere' }, 'to nowhere-0, which does not exist'],
    ['a partition that does not exist', { topic: 'orders', partition: 9 }, 'to orders-9, which does not exist'],
    ['an internal topic', { topic: '__consumer_offsets' }, 'to __consumer_offsets'],
  ])('%s is a mistake that the client is told of', async (_what, route, message) => {
    broker.interceptors.add(() => ({ route }))
    const answer = await produceOne()
    expect(answer).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1 })
    expect(answer.errorMessage).toContain(message)
    expect(await valuesOf('orders')).toEqual([])
  })

  it('cannot take a batch out of the sequence of an idempotent producer', async () => {
    broker.interceptors.add(() => ({ route: { topic: 'quarantine' } }))
    const batch = { ...batchOf('a'), producerId: 5, producerEpoch: 0, baseSequence: 0 }
    const [answer] = await broker.produce([{ topic: 'orders', partition: 0, batch }])
    expect(answer).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1 })
    expect(answer!.errorMessage).toContain('idempotent producer')
    expect(await valuesOf('quarantine')).toEqual([])
  })

  it('finds the target whichever broker of the process leads it', async () => {
    await broker.close()
    broker = await ObservedBroker.start({ 'odradek.virtual.brokers': '3', 'default.replication.factor': '3' })
    await broker.createTopic('orders', 3)
    await broker.createTopic('quarantine', 3)
    const { partitions } = broker.odradek.engine.metadata.image.topics.get('quarantine')!
    const target = partitions.findIndex(({ leader }) => leader !== 1)
    const source = broker.odradek.engine.metadata.image.topics
      .get('orders')!
      .partitions.findIndex((p) => p.leader === 1)
    broker.interceptors.add(() => ({ route: { topic: 'quarantine', partition: target } }))
    expect(await produceOne('a', source)).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(broker.odradek.broker.store.get(topicId('quarantine'), target)?.offsets.logEndOffset).toBe(1)
  })
})

const topicId = (name: string) => broker.odradek.engine.metadata.image.topics.get(name)!.id

describe('an interceptor that fails', () => {
  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('a bug')
      },
      'a bug',
    ],
    ['is async', async () => null, 'interceptors are synchronous'],
    ['answers with nonsense', () => 7, 'returned 7'],
    ['answers with an empty object', () => ({}), 'neither reject nor route'],
    ['rejects with no known error', () => ({ reject: 'TOO_MANY_ORDERS' }), 'TOO_MANY_ORDERS'],
    ['rejects with a number that Kafka does not have', () => ({ reject: 4711 }), '4711'],
    ['rejects with no error at all', () => ({ reject: 'NONE' }), 'NONE'],
    ['routes to a partition that can never be', () => ({ route: { topic: 'quarantine', partition: 0.5 } }), '0.5'],
  ])('%s: the batch is rejected for good, the log says why', async (_how, interceptor, reason) => {
    broker.interceptors.add(interceptor as ProduceInterceptor)
    const answer = await produceOne()
    expect(answer).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1 })
    expect(answer.errorMessage).toContain(reason)
    expect(await valuesOf('orders')).toEqual([])
    expect(broker.log.warnings).toMatchObject([{ topic: 'orders', partition: 0, err: { message: reasonOf(answer) } }])
  })

  const reasonOf = ({ errorMessage }: { errorMessage?: string | null }) =>
    (errorMessage ?? '').replace('An interceptor failed: ', '')

  it('records that cannot be decoded are a failure like any other', async () => {
    broker.interceptors.add((batch) => {
      batch.records()
      return null
    })
    const records = [{ timestamp: 1, key: null, value: Buffer.from('a') }]
    const batch = buildBatch({ codec: CompressionCodec.GZIP, records })
    batch.fill(0, BATCH_HEADER_BYTES)
    patchCrc(batch, 0)
    const [answer] = await broker.produce([{ topic: 'orders', partition: 0, batch }])
    expect(answer).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD })
  })

  it('is logged once in ten seconds, however often it fails', () => {
    const clock = new SimulatedClock()
    const log = captureLog()
    const interceptors = new ProduceInterceptors(clock, log.logger)
    interceptors.add(() => {
      throw new Error('a bug')
    })
    const origin = { topic: 't', partition: 0, clientId: null, clientAddress: '', principal: '', acks: 1 }
    const batch = buildBatch(batchOf('a'))
    for (let i = 0; i < 5; i++) expect(interceptors.judge(origin, batch)).toMatchObject({ kind: 'reject' })
    expect(log.warnings).toHaveLength(1)
    clock.advance(10_000)
    interceptors.judge(origin, batch)
    expect(log.warnings).toHaveLength(2)
    expect(log.warnings[1]).toMatchObject({ unlogged: 4 })
  })
})
