import type { TopicConfigName } from '../../src/config/topic-config.ts'
import type { ClockedBroker, ProduceOptions, Settings } from '../support/clocked-broker.ts'

const HOUR_MS = 3_600_000
/** log.retention.check.interval.ms and log.cleaner.backoff.ms, both longer than their defaults. */
const CHECK_MS = 301_000

/** What a setting does, seen from outside: a probe whose result is one thing before the change and another after it. */
export interface Effect {
  readonly name: TopicConfigName
  /** Of the topic from its creation on. */
  readonly given?: Settings
  readonly value: string
  readonly fill?: (topic: Filled) => Promise<void>
  readonly probe: (topic: Filled) => Promise<unknown>
  /** What the probe finds before, and after. */
  readonly before: unknown
  readonly after: unknown
}

/** A topic of the broker under test. */
export class Filled {
  readonly broker: ClockedBroker
  readonly name: string

  constructor(broker: ClockedBroker, name: string) {
    this.broker = broker
    this.name = name
  }

  put(pairs: readonly string[], options: ProduceOptions = {}) {
    return this.broker.produce(this.name, pairs, options)
  }

  /** As many batches as segments, where segment.ms is 1000: their records lie ten seconds apart, the last is of now. */
  async segments(count: number, pairs: readonly string[] = ['a=1', 'b=1']): Promise<void> {
    await this.broker.advance(count * 10_000)
    for (let index = 0; index < count; index++) {
      const timestamp = this.broker.clock.nowMs() - (count - 1 - index) * 10_000
      const { error } = await this.put(pairs, { timestamp })
      if (error !== 0) throw new Error(`an append was answered with error ${error}`)
    }
    // The names and indexes of the full segments are on the disk after that.
    await this.broker.advance(0)
  }

  async values(): Promise<string> {
    const records = await this.broker.records(this.name)
    return records.map(({ offset, key, value }) => `${offset}:${key}=${value}`).join(' ')
  }

  async isShorter(): Promise<boolean> {
    await this.broker.advance(CHECK_MS)
    return (await this.broker.earliest(this.name)) > 0
  }

  async isCompacted(): Promise<boolean> {
    const before = await this.broker.records(this.name)
    await this.broker.advance(CHECK_MS)
    return (await this.broker.records(this.name)).length < before.length
  }

  logs(): number {
    return this.broker.files(this.name, '.log').length
  }
}

/** Segments end with the time of their records; nothing is old, nothing is worth a round of compaction. */
const QUIET: Settings = { 'segment.ms': '1000', 'retention.ms': '-1', 'min.cleanable.dirty.ratio': '1' }
const COMPACTED: Settings = { ...QUIET, 'cleanup.policy': 'compact' }
const three = (topic: Filled) => topic.segments(3)
const errorOf = async (answer: Promise<{ error: number }>) => (await answer).error
/** Bytes that hardly shrink, and that a better level shrinks a little more. */
const TEXT = Array.from({ length: 3000 }, (_, index) => `${(index * 7919) % 997}`).join('')

const retention: readonly Effect[] = [
  {
    name: 'retention.ms',
    given: QUIET,
    value: '5000',
    fill: three,
    probe: (topic) => topic.isShorter(),
    before: false,
    after: true,
  },
  {
    name: 'retention.bytes',
    given: QUIET,
    value: '10',
    fill: three,
    probe: (topic) => topic.isShorter(),
    before: false,
    after: true,
  },
  {
    name: 'cleanup.policy',
    given: { ...COMPACTED, 'retention.ms': '5000' },
    value: 'delete',
    fill: three,
    probe: (topic) => topic.isShorter(),
    before: false,
    after: true,
  },
  {
    name: 'cleanup.policy',
    given: { ...QUIET, 'min.cleanable.dirty.ratio': '0' },
    value: 'compact',
    fill: three,
    probe: (topic) => topic.isCompacted(),
    before: false,
    after: true,
  },
  {
    name: 'file.delete.delay.ms',
    given: { ...QUIET, 'retention.bytes': '10' },
    value: String(24 * HOUR_MS),
    async probe(topic) {
      await topic.segments(2)
      await topic.broker.advance(CHECK_MS)
      await topic.broker.advance(2 * CHECK_MS)
      return topic.broker.files(topic.name, '.deleted').length > 0
    },
    before: false,
    after: true,
  },
]

const compaction: readonly Effect[] = [
  {
    name: 'min.cleanable.dirty.ratio',
    given: COMPACTED,
    value: '0.1',
    fill: three,
    probe: (topic) => topic.isCompacted(),
    before: false,
    after: true,
  },
  {
    name: 'max.compaction.lag.ms',
    given: COMPACTED,
    value: '5000',
    fill: three,
    probe: (topic) => topic.isCompacted(),
    before: false,
    after: true,
  },
  {
    name: 'min.compaction.lag.ms',
    given: { ...COMPACTED, 'min.cleanable.dirty.ratio': '0', 'min.compaction.lag.ms': String(HOUR_MS) },
    value: '1',
    fill: three,
    probe: (topic) => topic.isCompacted(),
    before: false,
    after: true,
  },
  {
    name: 'delete.retention.ms',
    given: { ...COMPACTED, 'min.cleanable.dirty.ratio': '0' },
    value: '10',
    async probe(topic) {
      await topic.segments(2, ['deleted'])
      // The second round takes what the first has set a horizon for.
      for (const round of [1, 2]) {
        await topic.segments(2, [`other${round}=1`])
        await topic.broker.advance(CHECK_MS)
      }
      return (await topic.values()).includes('deleted=null')
    },
    before: true,
    after: false,
  },
]

const segments: readonly Effect[] = [
  {
    name: 'segment.ms',
    value: '1000',
    async probe(topic) {
      const before = topic.logs()
      await topic.segments(3)
      return topic.logs() - before > 1
    },
    before: false,
    after: true,
  },
  {
    name: 'segment.bytes',
    value: '1048576',
    async probe(topic) {
      const before = topic.logs()
      for (let index = 0; index < 4; index++) await topic.put([`a=${'v'.repeat(700_000)}`])
      return topic.logs() - before > 1
    },
    before: false,
    after: true,
  },
  {
    name: 'segment.index.bytes',
    given: { 'index.interval.bytes': '0' },
    value: '24',
    async probe(topic) {
      const before = topic.logs()
      for (let index = 0; index < 10; index++) await topic.put(['a=1'])
      return topic.logs() - before > 1
    },
    before: false,
    after: true,
  },
  {
    name: 'segment.jitter.ms',
    given: { 'segment.ms': '100000' },
    value: '100000',
    async probe(topic) {
      const before = topic.logs()
      await topic.broker.advance(4 * CHECK_MS)
      for (let index = 0; index < 120; index++) {
        await topic.put(['a=1'], { timestamp: topic.broker.clock.nowMs() - (120 - index) * 10_000 })
      }
      // Eleven spans of 110 s and no more, unless chance makes them shorter.
      return topic.logs() - before > 12
    },
    before: false,
    after: true,
  },
  {
    name: 'index.interval.bytes',
    given: QUIET,
    value: '0',
    async probe(topic) {
      await topic.broker.advance(20_000)
      for (let index = 0; index < 4; index++) await topic.put(['a=1'])
      await topic.broker.advance(20_000)
      await topic.put(['a=1'])
      await topic.broker.advance(0)
      const indexes = topic.broker.files(topic.name, '.index')
      return indexes.some((name) => topic.broker.disk.stat(`/data/${topic.name}-0/${name}`)!.sizeBytes > 0)
    },
    before: false,
    after: true,
  },
]

async function syncsOf(topic: Filled, acks: number): Promise<boolean> {
  await topic.put(['a=1'], { acks })
  await topic.broker.advance(0)
  const before = topic.broker.disk.operations.sync
  await topic.put(['a=1'], { acks })
  await topic.broker.advance(0)
  return topic.broker.disk.operations.sync > before
}

const producing: readonly Effect[] = [
  {
    name: 'max.message.bytes',
    value: '200',
    probe: (topic) => errorOf(topic.put([`a=${'v'.repeat(500)}`])),
    before: 0,
    after: 10,
  },
  {
    name: 'message.timestamp.type',
    value: 'LogAppendTime',
    probe: async (topic) => (await topic.put(['a=1'])).logAppendTimeMs > 0,
    before: false,
    after: true,
  },
  {
    name: 'message.timestamp.before.max.ms',
    value: '60000',
    probe: (topic) => errorOf(topic.put(['a=1'], { timestamp: topic.broker.clock.nowMs() - HOUR_MS })),
    before: 0,
    after: 32,
  },
  {
    name: 'message.timestamp.after.max.ms',
    value: '60000',
    probe: (topic) => errorOf(topic.put(['a=1'], { timestamp: topic.broker.clock.nowMs() + HOUR_MS / 2 })),
    before: 0,
    after: 32,
  },
  {
    name: 'flush.messages',
    value: '1',
    probe: (topic) => syncsOf(topic, 1),
    before: false,
    after: true,
  },
  {
    name: 'flush.ms',
    value: '1000',
    // Also what was appended before the change.
    fill: async (topic) => void (await topic.put(['a=1'], { acks: 1 })),
    async probe(topic) {
      const before = topic.broker.disk.operations.sync
      await topic.broker.advance(1500)
      return topic.broker.disk.operations.sync > before
    },
    before: false,
    after: true,
  },
]

const compression: readonly Effect[] = [
  {
    name: 'compression.type',
    value: 'zstd',
    async probe(topic) {
      await topic.put(['a=1'])
      return (await topic.broker.records(topic.name)).at(-1)!.codec
    },
    before: 0,
    after: 4,
  },
  ...(
    [
      ['gzip', '9', '1'],
      ['zstd', '1', '19'],
    ] as const
  ).map(
    ([codec, from, to]): Effect => ({
      name: `compression.${codec}.level`,
      given: { 'compression.type': codec, [`compression.${codec}.level`]: from },
      value: to,
      async probe(topic) {
        await topic.put([`a=${TEXT}`])
        const sizes = new Set((await topic.broker.records(topic.name)).map(({ batchBytes }) => batchBytes))
        return sizes.size
      },
      before: 1,
      after: 2,
    }),
  ),
]

export const topicSettingEffects: readonly Effect[] = [
  ...retention,
  ...compaction,
  ...segments,
  ...producing,
  ...compression,
]
