import { Kafka, logLevel, type Producer, type RetryOptions } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, endAll, withTimeout } from '../../support/process.ts'

/** Long enough for a machine that does other things. */
const WAIT_MS = 30_000

interface Rule {
  readonly id: string
  readonly fired: number
  readonly matched: number
  readonly state: string
}

let broker: BrokerProcess
let url: string
/** Of the test that runs. */
let topic: string
let topics = 0
const producers: Producer[] = []

beforeAll(async () => {
  broker = await BrokerProcess.start({ args: ['--http', ':0'] })
  url = /http:\/\/127\.0\.0\.1:\d+/.exec(broker.stderr)![0]
})
beforeEach(async () => {
  topic = `orders-${++topics}`
  const client = await PlainClient.connect(broker.port)
  await client.createTopic(topic)
  await client.close()
})
afterEach(async () => {
  await ask('DELETE', '/faults')
  for (const producer of producers.splice(0)) await producer.disconnect()
})
afterAll(endAll)

/** Over HTTP, as a test in any language would. */
async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const answer = await fetch(url + path, { method, ...(body && { body: JSON.stringify(body) }) })
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()) as T
}
const addFault = (fault: object, path = '/faults') => ask<Rule>('POST', path, fault)
const ruleOf = (id: string, path = '/faults') => ask<Rule>('GET', `${path}/${id}`)

interface ClientOptions {
  readonly requestTimeout?: number
  readonly retry?: RetryOptions
}

function kafka(clientId: string, more: ClientOptions = {}): Kafka {
  const retry = { initialRetryTime: 20, retries: 20 }
  return new Kafka({ clientId, brokers: [`localhost:${broker.port}`], logLevel: logLevel.NOTHING, retry, ...more })
}

async function producerOf(client: Kafka, idempotent: boolean): Promise<Producer> {
  const producer = client.producer({ idempotent, ...(idempotent && { maxInFlightRequests: 1 }) })
  producers.push(producer)
  await producer.connect()
  return producer
}

async function sendAll(producer: Producer, values: readonly string[]): Promise<void> {
  for (const value of values) {
    const sending = producer.send({ topic, acks: -1, messages: [{ value }] })
    await withTimeout(WAIT_MS, `${value} was not acknowledged`, sending)
  }
}

async function stored(): Promise<string[]> {
  const client = await PlainClient.connect(broker.port)
  const values = await client.readAll(topic)
  await client.close()
  return values
}

const VALUES = Array.from({ length: 10 }, (_, at) => `value ${at}`)

/** What kafkajs documents to survive on its own, in the middle of what it sends. */
const recovered: readonly (readonly [name: string, fault: object, options: ClientOptions])[] = [
  ['an error, once', { kind: 'error', errorCode: 'NOT_LEADER_OR_FOLLOWER' }, {}],
  ['a disconnect', { kind: 'disconnect' }, {}],
  ['a lost answer', { kind: 'lose-answer' }, {}],
  ['a delay', { kind: 'delay', delayMs: 300 }, {}],
]

describe('an idempotent producer of kafkajs', () => {
  it.each(recovered)('gets over %s: nothing is lost, nothing is doubled', async (_, fault, options) => {
    const producer = await producerOf(kafka('idempotent', options), true)
    const { id } = await addFault({
      ...fault,
      api: 'Produce',
      topic,
      clientId: 'idempotent',
      skip: 3,
      times: 1,
    })
    await sendAll(producer, VALUES)
    expect(await ruleOf(id)).toMatchObject({ fired: 1, state: 'spent' })
    expect(await stored()).toEqual(VALUES)
  })

  it('gets over many of them, as a seed decides', async () => {
    const producer = await producerOf(kafka('idempotent'), true)
    const { id } = await addFault({ kind: 'lose-answer', api: 'Produce', probability: 0.3, seed: 42 })
    const many = Array.from({ length: 40 }, (_, at) => `value ${at}`)
    await sendAll(producer, many)
    expect((await ruleOf(id)).fired).toBeGreaterThan(3)
    expect(await stored()).toEqual(many)
  })
})

/** kafkajs gives up a request that timed out, keeps the connection, and asks again on it. */
it.each([
  ['a black hole', { kind: 'black-hole' }, ['after']],
  ['an answer that never comes', { kind: 'lose-answer', silent: true }, ['lost', 'after']],
] as const)(
  'kafkajs stays with a connection that is dead by %s until somebody connects anew',
  async (_, fault, expected) => {
    const client = kafka('patient', { requestTimeout: 200, retry: { initialRetryTime: 20, retries: 2 } })
    const producer = await producerOf(client, false)
    const { id } = await addFault({ ...fault, api: 'Produce', topic, times: 1 })
    await expect(sendAll(producer, ['lost'])).rejects.toThrow('timed out')
    expect((await ruleOf(id)).fired).toBe(1)
    await sendAll(await producerOf(client, false), ['after'])
    expect(await stored()).toEqual(expected)
  },
)

it('a producer of kafkajs that is not idempotent doubles what it had no answer to: the fault is real', async () => {
  const producer = await producerOf(kafka('plain'), false)
  const { id } = await addFault({ kind: 'lose-answer', api: 'Produce', clientId: 'plain', skip: 1, times: 1 })
  await sendAll(producer, ['a', 'b', 'c'])
  expect((await ruleOf(id)).fired).toBe(1)
  expect(await stored()).toEqual(['a', 'b', 'b', 'c'])
})

it('an error that is none for retries reaches the caller, and nothing is stored', async () => {
  const producer = await producerOf(kafka('refused'), false)
  const { id } = await addFault({ kind: 'error', errorCode: 'TOPIC_AUTHORIZATION_FAILED', api: 'Produce', times: 1 })
  await expect(producer.send({ topic, messages: [{ value: 'x' }] })).rejects.toMatchObject({
    type: 'TOPIC_AUTHORIZATION_FAILED',
  })
  expect((await ruleOf(id)).fired).toBe(1)
  await sendAll(producer, ['y'])
  expect(await stored()).toEqual(['y'])
})

it('a consumer of kafkajs gets everything in spite of fetches, heartbeats and commits that fail', async () => {
  const producer = await producerOf(kafka('writer'), false)
  await sendAll(producer, VALUES)
  const ids = await Promise.all(
    [
      { kind: 'error', errorCode: 'NOT_LEADER_OR_FOLLOWER', api: 'Fetch', topic, times: 1 },
      { kind: 'disconnect', api: 'Fetch', clientId: 'reader', skip: 1, times: 1 },
      { kind: 'lose-answer', api: 'OffsetCommit', groupId: `readers of ${topic}`, times: 1 },
      { kind: 'error', errorCode: 'NOT_COORDINATOR', api: 'JoinGroup', groupId: `readers of ${topic}`, times: 1 },
    ].map(async (fault) => (await addFault(fault)).id),
  )
  const consumer = kafka('reader').consumer({
    groupId: `readers of ${topic}`,
    rebalanceTimeout: 5000,
    maxWaitTimeInMs: 100,
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const seen = new Set<string>()
  try {
    const all = new Promise<void>((resolve, reject) => {
      consumer
        .run({
          autoCommitThreshold: 1,
          eachMessage: async ({ message }) => {
            seen.add(String(message.value))
            if (seen.size === VALUES.length) resolve()
          },
        })
        .catch(reject)
    })
    await withTimeout(WAIT_MS, 'not everything was read', all)
    expect([...seen]).toEqual(VALUES)
  } finally {
    await consumer.disconnect()
  }
  for (const id of ids) expect(await ruleOf(id)).toMatchObject({ fired: 1 })
})

it('a disk that is full for a while: the producer waits and is acknowledged once there is room', async () => {
  const producer = await producerOf(kafka('idempotent'), true)
  await sendAll(producer, ['before'])
  const { id } = await addFault({ kind: 'full', path: `*/${topic}-0/*.log`, times: 3 }, '/disk-faults')
  await sendAll(producer, ['during', 'after'])
  expect(await ruleOf(id, '/disk-faults')).toMatchObject({ fired: 3, state: 'spent' })
  expect(await stored()).toEqual(['before', 'during', 'after'])
})
