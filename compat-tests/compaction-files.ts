import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { defaultTopicConfig } from '../src/config/topic-config.ts'
import { nodeClock } from '../src/io/node-clock.ts'
import { nodeFileSystem } from '../src/io/node-file-system.ts'
import { nodeRandom } from '../src/io/node-random.ts'
import { nodeWork } from '../src/io/node-work.ts'
import { SimulatedRandom } from '../src/io/simulated-random.ts'
import { LocalLogStore } from '../src/storage/local/local-log-store.ts'
import type { LogHandle } from '../src/storage/storage.ts'
import { Broker } from './broker.ts'
import { CommittedView } from './committed-view.ts'
import { CompactionBroker, type Configs } from './compaction-broker.ts'

/**
 * Compaction of transactions beside Apache Kafka's, over the same files: Kafka writes a log with transactions, is
 * stopped, and its directory is copied; then Kafka cleans one copy and we the other. The second round begins with what
 * Kafka left of the first, and so shows that we read and clean what Kafka has cleaned.
 */

const TOPIC = 'transactions'
const CONFIGS: Configs = { 'cleanup.policy': 'compact', 'segment.ms': '1000', 'delete.retention.ms': '0' }
const CLEANER = { 'log.cleaner.backoff.ms': '200' }
const NEVER = { ...CLEANER, 'log.cleaner.min.cleanable.ratio': '1' }
const ALWAYS = { ...CLEANER, 'log.cleaner.min.cleanable.ratio': '0' }
const ROUNDS = 3

/** The differences, empty when there is none. */
export async function compareCompactedFiles(seed = 1): Promise<string[]> {
  const broker = new Broker('kafka', NEVER)
  const folder = mkdtempSync(join(tmpdir(), 'odradek-compaction-'))
  const differences: string[] = []
  const random = new SimulatedRandom(seed)
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      broker.settings = NEVER
      await broker.start()
      if (round === 1) await createTopic(broker)
      await writeTransactions(broker, random)
      await broker.stop()
      const copy = join(folder, String(round))
      cpSync(broker.dataFolder, copy, { recursive: true })
      broker.settings = ALWAYS
      await broker.start()
      const theirs = await cleanedByKafka(broker)
      await broker.stop()
      const ours = await cleanedByUs(copy)
      const found = differencesOf(ours, theirs, cleanedOffsetOf(copy))
      differences.push(...found.map((difference) => `round ${round}: ${difference}`))
    }
  } finally {
    await broker.dispose()
    rmSync(folder, { recursive: true, force: true })
  }
  return differences
}

/** What is on purpose not the same: of the batch that ends a round we keep records where Kafka keeps the header. */
function differencesOf(ours: CommittedView, theirs: CommittedView, cleanedOffset: number): string[] {
  const differences: string[] = []
  for (const kind of ['all', 'committed'] as const) {
    const [our, their] = [new Set(ours[kind]), new Set(theirs[kind])]
    const cleaned = theirs[kind].map(offsetOf).filter((offset) => offset < cleanedOffset)
    const last = Math.max(-1, ...cleaned)
    for (const record of our) {
      const endsRound = offsetOf(record) > last && offsetOf(record) < cleanedOffset
      if (!their.has(record) && !endsRound) differences.push(`${kind}: ${record} is only here`)
    }
    for (const record of their) if (!our.has(record)) differences.push(`${kind}: ${record} is only in Kafka`)
  }
  // We keep a marker whole where Kafka keeps its header.
  for (const offset of theirs.markers) {
    if (!ours.markers.has(offset)) differences.push(`the marker at offset ${offset} is only in Kafka`)
  }
  return differences
}

function offsetOf(record: string): number {
  return Number.parseInt(record, 10)
}

/** Where the last round ended. */
function cleanedOffsetOf(directory: string): number {
  const checkpoint = readFileSync(join(directory, 'cleaner-offset-checkpoint'), 'utf8')
  return Number(new RegExp(`^${TOPIC} 0 (\\d+)$`, 'm').exec(checkpoint)![1])
}

async function createTopic(broker: Broker): Promise<void> {
  const client = await CompactionBroker.connect(broker)
  await client.createTopic(TOPIC, CONFIGS)
  client.close()
}

/** Producers in turns, committing and aborting, some of them with a transaction open beside another's. */
async function writeTransactions(broker: Broker, random: SimulatedRandom): Promise<void> {
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
  const producers: Producer[] = []
  for (let id = 0; id < 4; id++) {
    const transactionalId = id < 3 ? `writer-${id}` : undefined
    const producer = kafka.producer({
      ...(transactionalId && { transactionalId }),
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    producers.push(producer)
  }
  const messages = () =>
    Array.from({ length: 1 + random.below(3) }, () => ({
      key: `key-${random.below(10)}`,
      value: random.below(5) === 0 ? null : `value ${random.below(1000)}`,
    }))
  for (let index = 0; index < 40; index++) {
    const first = await producers[random.below(3)]!.transaction()
    await first.send({ topic: TOPIC, messages: messages() })
    await producers[3]!.send({ topic: TOPIC, messages: messages() })
    await first.send({ topic: TOPIC, messages: messages() })
    if (random.below(3) === 0) await first.abort()
    else await first.commit()
    if (index % 8 === 7) await new Promise((resolve) => setTimeout(resolve, 1100))
  }
  for (const producer of producers) await producer.disconnect()
}

async function cleanedByKafka(broker: Broker): Promise<CommittedView> {
  const client = await CompactionBroker.connect(broker)
  try {
    await client.settled(TOPIC, 'a round', () => true)
    return await client.view(TOPIC)
  } finally {
    client.close()
  }
}

async function cleanedByUs(directory: string): Promise<CommittedView> {
  const store = await LocalLogStore.open({
    directory,
    fileSystem: nodeFileSystem,
    clock: nodeClock,
    random: nodeRandom,
    work: nodeWork(),
    nodeId: 1,
    clusterId: 'unused',
    report: (level, message) => {
      if (level !== 'info') throw new Error(message)
    },
  })
  const metadata = readFileSync(join(directory, `${TOPIC}-0`, 'partition.metadata'), 'utf8')
  const topicId = /topic_id: (\S+)/.exec(metadata)![1]!
  const config = defaultTopicConfig({
    'cleanup.policy': ['compact'],
    'delete.retention.ms': 0,
    'min.cleanable.dirty.ratio': 0,
  })
  const log = await store.open({ topic: TOPIC, topicId, partition: 0 }, config, 100)
  try {
    const before = await viewOf(store, log)
    await store.runCompaction()
    const after = await viewOf(store, log)
    if (after.all.length >= before.all.length) throw new Error('nothing was compacted: this comparison proves nothing')
    return after
  } finally {
    await store.close()
  }
}

async function viewOf(store: LocalLogStore, log: LogHandle): Promise<CommittedView> {
  const view = new CommittedView()
  const { logStartOffset, highWatermark } = log.offsets
  for (let offset = logStartOffset; offset < highWatermark; ) {
    const read = { log, offset, maxBytes: 1_000_000 }
    const [result] = await store.read([read], { maxBytes: 1_000_000, isolation: 'read_committed' })
    const next = view.take(Buffer.concat(result!.chunks), result!.abortedTransactions!, offset)
    result!.release()
    if (next === offset) throw new Error(`nothing at offset ${offset}`)
    offset = next
  }
  return view
}

if (import.meta.main) {
  const differences = await compareCompactedFiles(Number(process.argv[2] ?? 1))
  for (const difference of differences) console.log(difference)
  console.log(`${differences.length} differences`)
  process.exitCode = differences.length === 0 ? 0 : 1
}
