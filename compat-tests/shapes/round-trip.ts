import assert from 'node:assert/strict'
import net from 'node:net'
import kafkajs, { type Kafka } from 'kafkajs'
import { eventually } from '../process.ts'
import type { ExpectedTopic, Shape } from './shapes.ts'

/** The real loopback port behind an address as a client sees it, or the error it would get. */
export type Reach = (host: string, port: number) => number | 'ENOTFOUND' | 'ECONNREFUSED'

const TIMEOUT_MS = 20_000
const TOPIC = 'round-trip'

/** A kafkajs client that goes only where the standpoint lets it; what it could not reach is listed. */
function clientAt(bootstrap: string, reach: Reach | null, unreachable: Set<string>): Kafka {
  const options = {
    brokers: [bootstrap],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 4 },
  }
  if (reach === null) return new kafkajs.Kafka(options)
  return new kafkajs.Kafka({
    ...options,
    socketFactory: ({ host, port, onConnect }) => {
      const real = reach(host, port)
      if (typeof real === 'number') return net.connect({ host: '127.0.0.1', port: real, noDelay: true }, onConnect)
      unreachable.add(`${host}:${port} (${real})`)
      const socket = new net.Socket()
      process.nextTick(() =>
        socket.destroy(Object.assign(new Error(`connect ${host}:${port} ${real}`), { code: real })),
      )
      return socket
    },
  })
}

/**
 * Creates a topic, produces, reads with a group, commits and finds its offsets again: all at one address. Without
 * `reach` names and ports lead where they do for this process.
 */
export async function roundTrip(bootstrap: string, reach: Reach | null, shape: Shape): Promise<void> {
  const unreachable = new Set<string>()
  const kafka = clientAt(bootstrap, reach, unreachable)
  try {
    await checkTopics(kafka, shape)
    await produceAndConsume(kafka, bootstrap.replaceAll(/\W/g, '-'))
  } catch (error) {
    const hint = unreachable.size > 0 ? `; it was sent to ${[...unreachable].join(', ')}` : ''
    throw new Error(
      `a client of ${bootstrap} failed${hint}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    )
  }
}

async function checkTopics(kafka: Kafka, shape: Shape): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const { clusterId } = await admin.describeCluster()
    if (shape.clusterId !== undefined) assert.equal(clusterId, shape.clusterId, 'the cluster id')
    // Some create it, and others find it.
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: -1, replicationFactor: -1 }] })
    const expected = { ...shape.topics, [TOPIC]: { partitions: shape.defaultPartitions ?? 1 } }
    for (const [topic, expectation] of Object.entries(expected)) await checkTopic(admin, topic, expectation)
  } finally {
    await admin.disconnect()
  }
}

type Admin = ReturnType<Kafka['admin']>

async function checkTopic(admin: Admin, topic: string, { partitions, configs = {} }: ExpectedTopic): Promise<void> {
  const metadata = await admin.fetchTopicMetadata({ topics: [topic] })
  assert.equal(metadata.topics[0]?.partitions.length, partitions, `partitions of ${topic}`)
  const configNames = Object.keys(configs)
  if (configNames.length === 0) return
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames }],
  })
  const values = resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue])
  assert.deepEqual(Object.fromEntries(values ?? []), configs, `configs of ${topic}`)
}

async function produceAndConsume(kafka: Kafka, mark: string): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  const values = ['one', 'two', 'three'].map((word) => `${word} by ${mark}`)
  await producer.send({ topic: TOPIC, acks: -1, messages: values.map((value) => ({ key: mark, value })) })
  await producer.disconnect()

  const admin = kafka.admin()
  await admin.connect()
  try {
    // Another address has left its records there before.
    const ends = await admin.fetchTopicOffsets(TOPIC)
    const total = ends.reduce((sum, { high }) => sum + Number(high), 0)
    const groupId = `readers-${mark}`
    assert.deepEqual(await readAll(kafka, groupId, total, mark), values)
    const [committed] = await admin.fetchOffsets({ groupId, topics: [TOPIC] })
    const offsets = committed?.partitions.map(({ offset }) => Math.max(0, Number(offset))) ?? []
    assert.equal(
      offsets.reduce((sum, offset) => sum + offset, 0),
      total,
      'the offsets that the group committed',
    )
  } finally {
    await admin.disconnect()
  }
}

/** Reads so many records with a group, which commits them when it leaves; gives those with the key. */
async function readAll(kafka: Kafka, groupId: string, total: number, key: string): Promise<string[]> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  const own: string[] = []
  let seen = 0
  await consumer.connect()
  try {
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        seen++
        if (message.key?.toString() === key) own.push(message.value?.toString() ?? '')
      },
    })
    await eventually('all records are read', TIMEOUT_MS, async () => (seen >= total ? true : undefined), 10)
  } finally {
    await consumer.disconnect()
  }
  return own
}
