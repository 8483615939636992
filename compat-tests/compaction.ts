import { buildBatch, type NewRecord } from '../protocol/records/batch-builder.ts'
import { SimulatedRandom } from '../src/io/simulated-random.ts'
import { Broker, type BrokerSettings, type Target } from './broker.ts'
import { CompactionBroker, type Configs, type Contents } from './compaction-broker.ts'

/**
 * Compaction and retention beside Apache Kafka's: both brokers get the same batches, byte by byte, and have to be left
 * with the same records at the same offsets, the same log start and the same log end. Segments end by the time of their
 * records (segment.ms), and cleaning begins when a topic's settings say so, so that both see the same segments.
 */

const SETTINGS: BrokerSettings = {
  'log.cleaner.backoff.ms': '200',
  'log.retention.check.interval.ms': '300',
  'log.initial.task.delay.ms': '100',
}
const HOUR_MS = 3_600_000
/** Segments end by the time of their records. Nothing is cleaned at a ratio of 1, everything at 0. */
const SEGMENTED: Configs = { 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '1' }
const COMPACTED: Configs = { ...SEGMENTED, 'cleanup.policy': 'compact', 'delete.retention.ms': '0' }
const NOW: Configs = { 'min.cleanable.dirty.ratio': '0' }
const LATER: Configs = { 'min.cleanable.dirty.ratio': '1' }

interface Step {
  readonly name: string
  readonly topic: string
  readonly contents: Contents
}

/** What is on purpose not the same: a record of ours that Kafka does not keep. */
const KEPT_LAST = 'the last record of a round, without a key'

/** Runs everything on both; the differences, empty when there is none. */
export async function compareCompaction(seed = 1): Promise<string[]> {
  const startMs = Date.now() - 2 * HOUR_MS
  const [ours, theirs] = await Promise.all([stepsOf('odradek', seed, startMs), stepsOf('kafka', seed, startMs)])
  return ours.flatMap((step, index) => differencesOf(step, theirs[index]!))
}

function differencesOf(ours: Step, theirs: Step): string[] {
  const differences: string[] = []
  const say = (text: string) => differences.push(`${ours.topic}, ${ours.name}: ${text}`)
  for (const field of ['earliest', 'latest'] as const) {
    const [our, their] = [ours.contents[field], theirs.contents[field]]
    if (our !== their) say(`${field} is ${our}, Kafka's ${their}`)
  }
  const [our, their] = [new Set(ours.contents.records), new Set(theirs.contents.records)]
  for (const record of our) {
    if (!their.has(record) && ours.name !== KEPT_LAST) say(`${record} is only here`)
  }
  for (const record of their) if (!our.has(record)) say(`${record} is only in Kafka`)
  if (ours.name === KEPT_LAST && our.size !== their.size + 1) say(`${our.size} records, Kafka has ${their.size}`)
  return differences
}

async function stepsOf(target: Target, seed: number, startMs: number): Promise<Step[]> {
  const broker = new Broker(target, SETTINGS)
  try {
    await broker.start()
    const client = await CompactionBroker.connect(broker)
    try {
      return await new Steps(client, seed, startMs).run()
    } finally {
      client.close()
    }
  } finally {
    await broker.dispose()
  }
}

class Steps {
  readonly #broker: CompactionBroker
  readonly #random: SimulatedRandom
  readonly #startMs: number
  readonly #steps: Step[] = []
  /** By producer id. */
  readonly #sequences = new Map<number, number>()

  constructor(broker: CompactionBroker, seed: number, startMs: number) {
    this.#broker = broker
    this.#random = new SimulatedRandom(seed)
    this.#startMs = startMs
  }

  async run(): Promise<Step[]> {
    await this.#compaction()
    await this.#tombstones()
    await this.#lags()
    await this.#compactionAndRetention()
    await this.#retention()
    await this.#deletedRecords()
    await this.#withoutKeys()
    return this.#steps
  }

  /** Three rounds: the second removes what the tombstones of the first had deleted, and then themselves. */
  async #compaction(): Promise<void> {
    const topic = 'compacted'
    await this.#broker.createTopic(topic, COMPACTED)
    let timeMs = this.#startMs
    for (const [round, batches] of [150, 60, 40].entries()) {
      await this.#broker.configure(topic, LATER)
      timeMs = await this.#fill(topic, batches, timeMs)
      const before = await this.#countWhenQuiet(topic)
      await this.#broker.configure(topic, NOW)
      await this.#note(`round ${round + 1}`, topic, ({ records }) => records.length < before)
    }
  }

  /** Those that are young enough stay, round after round. */
  async #tombstones(): Promise<void> {
    const topic = 'tombstones'
    await this.#broker.createTopic(topic, { ...COMPACTED, 'delete.retention.ms': String(HOUR_MS) })
    let timeMs = this.#startMs
    for (const round of [1, 2]) {
      await this.#broker.configure(topic, LATER)
      timeMs = await this.#fill(topic, 40, timeMs)
      const before = await this.#countWhenQuiet(topic)
      await this.#broker.configure(topic, NOW)
      await this.#note(`round ${round}`, topic, ({ records }) => records.length < before)
    }
    const { records } = this.#steps.at(-1)!.contents
    if (!records.some((record) => record.includes('=null')))
      throw new Error('no tombstone is left: this proves nothing')
  }

  /** Half of the records are older than the lag. It is set when all are there: then there is one round. */
  async #lags(): Promise<void> {
    for (const [topic, configs] of [
      ['min-lag', { ...NOW, 'min.compaction.lag.ms': String(HOUR_MS / 2) }],
      ['max-lag', { 'max.compaction.lag.ms': String(HOUR_MS / 2) }],
    ] as const) {
      await this.#broker.createTopic(topic, COMPACTED)
      await this.#fill(topic, 40, this.#startMs)
      await this.#fill(topic, 40, this.#startMs + 1.9 * HOUR_MS)
      const before = await this.#countWhenQuiet(topic)
      await this.#broker.configure(topic, configs)
      await this.#note('after a round', topic, ({ records }) => records.length < before)
    }
  }

  async #compactionAndRetention(): Promise<void> {
    const topic = 'compacted-and-deleted'
    const policy = { 'cleanup.policy': 'compact,delete', 'retention.ms': String(HOUR_MS) }
    await this.#broker.createTopic(topic, { ...COMPACTED, ...policy })
    await this.#fill(topic, 30, this.#startMs)
    await this.#fill(topic, 60, this.#startMs + 1.5 * HOUR_MS)
    await this.#note('retention', topic, ({ earliest }) => earliest > 0)
    const before = await this.#countWhenQuiet(topic)
    await this.#broker.configure(topic, NOW)
    await this.#note('a round', topic, ({ records }) => records.length < before)
    const { earliest } = await this.#broker.contents(topic)
    await this.#broker.deleteRecords(topic, earliest + 40)
    await this.#note('records deleted', topic, (contents) => contents.earliest >= earliest + 40)
  }

  async #retention(): Promise<void> {
    await this.#broker.createTopic('by-time', { ...SEGMENTED, 'retention.ms': String(HOUR_MS) })
    await this.#fill('by-time', 40, this.#startMs)
    await this.#fill('by-time', 10, this.#startMs + 1.5 * HOUR_MS)
    await this.#note('retention.ms', 'by-time', ({ earliest }) => earliest > 0)
    await this.#broker.createTopic('emptied', { ...SEGMENTED, 'retention.ms': String(HOUR_MS) })
    await this.#fill('emptied', 20, this.#startMs)
    await this.#note('retention.ms', 'emptied', ({ earliest, latest }) => earliest === latest)
    await this.#broker.createTopic('by-size', { ...SEGMENTED, 'retention.ms': '-1' })
    await this.#fill('by-size', 60, this.#startMs)
    await this.#broker.configure('by-size', { 'retention.bytes': '4000' })
    await this.#note('retention.bytes', 'by-size', ({ earliest }) => earliest > 0)
    await this.#broker.createTopic('kept', { ...SEGMENTED, 'retention.ms': '1', 'cleanup.policy': 'compact' })
    await this.#fill('kept', 20, this.#startMs)
    await this.#note('compact alone', 'kept', () => true)
  }

  /** In the middle of a segment: those below go, and the log begins where it was said, also for a round of compaction. */
  async #deletedRecords(): Promise<void> {
    const topic = 'records-deleted'
    await this.#broker.createTopic(topic, { ...SEGMENTED, 'retention.ms': '-1' })
    await this.#fill(topic, 40, this.#startMs)
    for (const offset of [7, 31]) {
      await this.#broker.deleteRecords(topic, offset)
      await this.#note(`up to ${offset}`, topic, ({ earliest }) => earliest === offset)
    }
    const before = await this.#countWhenQuiet(topic)
    await this.#broker.configure(topic, { 'cleanup.policy': 'compact', ...NOW })
    await this.#note('a round', topic, ({ records }) => records.length < before)
  }

  /** The policy comes after the records: they have no keys, and go; but for the last one of the round, here. */
  async #withoutKeys(): Promise<void> {
    const topic = 'without-keys'
    await this.#broker.createTopic(topic, { ...SEGMENTED, 'retention.ms': '-1' })
    for (let index = 0; index < 6; index++) {
      const timestamp = this.#startMs + index * 5000
      const records = [{ timestamp, key: null, value: Buffer.from(`value ${index}`) }]
      await this.#broker.produce(topic, buildBatch({ records }))
    }
    await this.#broker.configure(topic, { 'cleanup.policy': 'compact', ...NOW })
    await this.#note(KEPT_LAST, topic, ({ records }) => records.length < 6)
  }

  /** Full segments are on the disk by then: one round takes all of them. */
  async #countWhenQuiet(topic: string): Promise<number> {
    return (await this.#broker.settled(topic, 'quiet', () => true)).records.length
  }

  async #note(name: string, topic: string, test: (contents: Contents) => boolean): Promise<void> {
    this.#steps.push({ name, topic, contents: await this.#broker.settled(topic, name, test) })
  }

  /** Batches of few keys, of all codecs, some of producers with sequences; returns the time of the last. */
  async #fill(topic: string, batches: number, fromMs: number): Promise<number> {
    let timeMs = fromMs
    for (let index = 0; index < batches; index++) {
      timeMs += this.#random.below(1200)
      const records = Array.from({ length: 1 + this.#random.below(5) }, () => this.#record(timeMs))
      const producerId = this.#random.below(2) === 0 ? 1000 + this.#random.below(4) : -1
      const baseSequence = this.#sequences.get(producerId) ?? 0
      if (producerId >= 0) this.#sequences.set(producerId, baseSequence + records.length)
      const producer = producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence }
      await this.#broker.produce(topic, buildBatch({ records, codec: this.#random.below(5), ...producer }))
    }
    // So much later that it begins a segment of its own, which is the active one.
    timeMs += 5000
    await this.#broker.produce(topic, buildBatch({ records: [this.#record(timeMs)] }))
    return timeMs
  }

  #record(timeMs: number): NewRecord {
    const key = Buffer.from(`key-${this.#random.below(12)}`)
    const value = this.#random.below(5) === 0 ? null : Buffer.from('v'.repeat(1 + this.#random.below(60)))
    const headers = this.#random.below(4) === 0 ? [{ key: 'h', value: Buffer.from('x') }] : []
    return { timestamp: timeMs - this.#random.below(300), key, value, headers }
  }
}

if (import.meta.main) {
  const differences = await compareCompaction(Number(process.argv[2] ?? 1))
  for (const difference of differences) console.log(difference)
  console.log(`${differences.length} differences`)
  process.exitCode = differences.length === 0 ? 0 : 1
}
