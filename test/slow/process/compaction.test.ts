import { type Consumer, Kafka, logLevel, type Message } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { BrokerProcess, endAll, withTimeout } from '../../support/process.ts'

const OFFSETS = '__consumer_offsets'
const PATIENCE_MS = 30_000
const CLEANER = ['--set', 'log.cleaner.backoff.ms=100', '--set', 'offsets.topic.num.partitions=1']
/** Segments end by the time of their records. */
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.bytes': '1048576',
  'segment.ms': '1000',
  'min.cleanable.dirty.ratio': '0',
}

function clientOf(broker: BrokerProcess): Kafka {
  return new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
}

/**
 * Segments of a large record and a small batch, of which the next one replaces everything: compaction keeps its header
 * for the sequence of its producer, at the end of a segment too large to become one with its neighbours.
 */
async function fill(kafka: Kafka, topic: string, segments: number): Promise<void> {
  const startMs = Date.now() - segments * 2000
  for (let index = 0; index < segments; index++) {
    const timestamp = String(startMs + index * 2000)
    const value = 'v'.repeat(600_000)
    await send(kafka, topic, { key: `large-${index % 8}`, value, timestamp })
    await send(kafka, topic, { key: 'same', value: String(index), timestamp })
  }
}

/** From a producer of its own. */
async function send(kafka: Kafka, topic: string, message: Message): Promise<void> {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  await producer.send({ topic, messages: [message] })
  await producer.disconnect()
}

async function eventually(what: string, test: () => Promise<boolean>): Promise<void> {
  const wait = async () => {
    while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await withTimeout(PATIENCE_MS, what, wait())
}

/** The committed offset of the group and the end of the partition. */
async function positions(kafka: Kafka, groupId: string, topic: string) {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const [group] = await admin.fetchOffsets({ groupId, topics: [topic] })
    const [partition] = await admin.fetchTopicOffsets(topic)
    return { committed: Number(group!.partitions[0]!.offset), end: Number(partition!.high) }
  } finally {
    await admin.disconnect()
  }
}

/** Reads until the lag of the group is 0, as kafkajs itself commits it; gives the offsets it was handed. */
async function readToEnd(kafka: Kafka, groupId: string, topic: string, options: { readUncommitted: boolean }) {
  const offsets: number[] = []
  const consumer: Consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, ...options })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void offsets.push(Number(message.offset)) })
    await eventually(`${groupId} reads ${topic} to its end`, async () => {
      const { committed, end } = await positions(kafka, groupId, topic)
      return committed === end
    })
  } finally {
    await consumer.disconnect()
  }
  return offsets
}

async function alter(kafka: Kafka, topic: string, settings: Record<string, string>): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries }] })
  await admin.disconnect()
}

async function createTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const configEntries = Object.entries(COMPACTED).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] })
  await admin.disconnect()
}

const says = (broker: BrokerProcess, text: string) => async () => `${broker.stdout}${broker.stderr}`.includes(text)

describe('kafkajs and compaction', () => {
  afterEach(endAll)

  it('trap 49: reads a compacted topic to its end and reaches lag 0, and goes on from there after kill -9', async () => {
    const first = await BrokerProcess.start({ args: CLEANER })
    const kafka = clientOf(first)
    await createTopic(kafka, 'compacted')
    await fill(kafka, 'compacted', 12)
    await eventually('a round of compaction', says(first, 'compacted-0 is compacted up to offset 22'))
    const seen = await readToEnd(kafka, 'committed', 'compacted', { readUncommitted: false })
    expect(seen.length).toBeLessThan(12)
    expect(seen.at(-1)).toBe(23)
    expect(await readToEnd(kafka, 'uncommitted', 'compacted', { readUncommitted: true })).toEqual(seen)

    // The group's own topic next: what it committed has to be found in what compaction left.
    await alter(kafka, OFFSETS, { ...COMPACTED, 'segment.ms': '1' })
    for (let round = 0; round < 3; round++)
      await readToEnd(kafka, `other-${round}`, 'compacted', { readUncommitted: true })
    await eventually('a round over the offsets', says(first, `${OFFSETS}-0 is compacted up to`))
    await first.end('SIGKILL')

    const second = await BrokerProcess.start({ args: CLEANER, data: first.data })
    const again = clientOf(second)
    for (const group of ['committed', 'uncommitted', 'other-0', 'other-1', 'other-2']) {
      expect(await positions(again, group, 'compacted'), group).toEqual({ committed: 24, end: 24 })
    }
    await fill(again, 'compacted', 2)
    expect(await readToEnd(again, 'committed', 'compacted', { readUncommitted: false })).toEqual([24, 25, 26, 27])
  }, 120_000)
})
