import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { Broker } from './broker.ts'
import { CompactionBroker, type Configs, type Contents } from './compaction-broker.ts'

/**
 * Apache Kafka on partition directories of ours: topics are made in Kafka, and their files replaced by ours of topics of
 * the same name, as a clean stop leaves them and as kill -9 does. Kafka has to find the same records, and nothing to put
 * right that a crash of its own would not leave.
 */

const SETTINGS = { 'log.cleaner.backoff.ms': '200', 'log.initial.task.delay.ms': '100' }
const SMALL: Configs = { 'segment.ms': '1000', 'index.interval.bytes': '0', 'retention.ms': '-1' }
const COMPACTING: Configs = {
  'cleanup.policy': 'compact',
  'delete.retention.ms': '0',
  'min.cleanable.dirty.ratio': '0',
}
const TOPICS: Readonly<Record<string, Configs>> = { rolled: SMALL, compacted: { ...SMALL, ...COMPACTING } }
const RECORDS = 60
const HOUR_MS = 3_600_000
/** What its log says of files that it does not take as they are. */
const TROUBLE = /corrupt|not sane|ERROR|rebuil|invalid/i
/** Index files are ours to write when a segment is full; Kafka's are there, full of zeros, from its first byte on. */
const LAST_SEGMENT_AFTER_KILL = /Could not find offset index file/
const OWNER = 'partition.metadata'

/** The differences, empty when there is none. */
export async function compareLoaded(): Promise<string[]> {
  const kafka = new Broker('kafka', { ...SETTINGS, 'log.cleaner.enable': 'false' })
  const differences: string[] = []
  try {
    await kafka.start()
    await createTopics(kafka)
    for (const how of ['stop', 'kill'] as const) {
      await kafka.stop()
      const contents = await replaceFiles(kafka, how)
      if (how === 'kill') rmSync(join(kafka.dataFolder, '.kafka_cleanshutdown'))
      const logged = kafka.logLength
      await kafka.start()
      for (const [topic, ours] of contents) {
        const theirs = await contentsOf(kafka, topic)
        for (const field of ['earliest', 'latest', 'records'] as const) {
          const [our, their] = [JSON.stringify(ours[field]), JSON.stringify(theirs[field])]
          if (our !== their) differences.push(`${topic} after ${how}: ${field} is ${our}, Kafka reads ${their}`)
        }
        differences.push(...(await goesOn(kafka, topic, ours.latest)))
      }
      const lines = kafka.logTail(logged).split('\n')
      const trouble = lines.filter(
        (line) => TROUBLE.test(line) && !(how === 'kill' && LAST_SEGMENT_AFTER_KILL.test(line)),
      )
      differences.push(...trouble.map((line) => `after ${how} Kafka says: ${line}`))
    }
  } finally {
    await kafka.dispose()
  }
  return differences
}

async function createTopics(broker: Broker): Promise<void> {
  const client = await CompactionBroker.connect(broker)
  for (const [topic, configs] of Object.entries(TOPICS)) await client.createTopic(topic, configs)
  // The folders are there when something was written.
  for (const topic of Object.keys(TOPICS)) await client.produce(topic, batch(0))
  client.close()
}

/** Writes topics of ours, ends the broker, and puts their files in the place of Kafka's. What readers found in them. */
async function replaceFiles(kafka: Broker, how: 'stop' | 'kill'): Promise<Map<string, Contents>> {
  const ours = new Broker('odradek', SETTINGS)
  try {
    await ours.start()
    const client = await CompactionBroker.connect(ours)
    for (const [topic, configs] of Object.entries(TOPICS)) {
      await client.createTopic(topic, configs)
      for (let index = 0; index < RECORDS; index++) await client.produce(topic, batch(index))
    }
    await client.settled('compacted', 'compaction', ({ records }) => records.length < RECORDS / 2)
    const contents = new Map<string, Contents>()
    for (const topic of Object.keys(TOPICS)) contents.set(topic, await client.contents(topic))
    client.close()
    await ours[how]()
    for (const topic of Object.keys(TOPICS)) {
      const [from, to] = [ours, kafka].map(({ dataFolder }) => join(dataFolder, `${topic}-0`))
      for (const name of readdirSync(to!)) if (name !== OWNER) rmSync(join(to!, name))
      for (const name of readdirSync(from!)) if (name !== OWNER) cpSync(join(from!, name), join(to!, name))
    }
    return contents
  } finally {
    await ours.dispose()
  }
}

async function contentsOf(broker: Broker, topic: string): Promise<Contents> {
  const client = await CompactionBroker.connect(broker)
  try {
    return await client.contents(topic)
  } finally {
    client.close()
  }
}

/** The next batch of the producer that the files tell of is taken at the end of the log. */
async function goesOn(broker: Broker, topic: string, end: number): Promise<string[]> {
  const client = await CompactionBroker.connect(broker)
  try {
    await client.produce(topic, batch(RECORDS))
    const { latest } = await client.contents(topic)
    return latest === end + 1 ? [] : [`${topic}: the log ends at ${latest} after offset ${end} was written`]
  } finally {
    client.close()
  }
}

function batch(index: number): Buffer {
  const timestamp = Date.now() - HOUR_MS + index * 400
  const value = index % 9 === 8 ? null : Buffer.from(`value ${index}`)
  const records = [{ timestamp, key: Buffer.from(`key-${index % 7}`), value }]
  return buildBatch({ producerId: 7_000, producerEpoch: 0, baseSequence: index, records })
}

if (import.meta.main) {
  const differences = await compareLoaded()
  for (const difference of differences) console.log(difference)
  console.log(`${differences.length} differences`)
  process.exitCode = differences.length === 0 ? 0 : 1
}
