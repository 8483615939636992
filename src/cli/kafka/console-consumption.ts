import { ErrorCode, isRetriable } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import type { TopicMetadata } from '../../client/cluster-metadata.ts'
import type { ConsumedRecord } from '../../client/fetched-records.ts'
import type { ReadPosition } from '../../client/record-stream.ts'
import type { Timer } from '../../io/clock.ts'
import { failureOf } from './java-errors.ts'
import type { MessageFormatter } from './message-formatter.ts'
import { ToolFailure } from './tool-failure.ts'
import type { ToolClient, ToolIo } from './tool-io.ts'
import { TopicFilter } from './topic-filter.ts'

/** What is to be read, and how it is printed. */
export interface Consumption {
  readonly topic: string | null
  readonly include: string | null
  /** Null means all. */
  readonly partition: number | null
  readonly start: number | 'earliest' | 'latest' | null
  /** Null reads without a group. */
  readonly group: string | null
  readonly from: 'earliest' | 'latest'
  readonly isolation: 'read_uncommitted' | 'read_committed'
  readonly commits: boolean
  /** Negative for no end. */
  readonly maxMessages: number
  readonly timeoutMs: number
  readonly skipsErrors: boolean
  readonly format: MessageFormatter
}

export type Ended = 'enough' | 'timeout' | 'interrupted'

/** How often to look for new partitions and, with --include, for new topics. */
const REFRESH_MS = 2000

type Batches = AsyncIterable<readonly ConsumedRecord[]>

/** Prints records until there are enough, none came for too long, or the user ends it. `printed` is called for each. */
export async function consume(
  client: ToolClient,
  consumption: Consumption,
  io: ToolIo,
  printed: () => number,
): Promise<Ended> {
  const stop = new AbortController()
  let ended: Ended = 'interrupted'
  let timer: Timer | null = null
  const rest = () => {
    timer?.cancel()
    if (consumption.timeoutMs < 0) return
    timer = io.clock.schedule(consumption.timeoutMs, () => {
      ended = 'timeout'
      stop.abort()
    })
  }
  io.onInterrupt(() => stop.abort())
  rest()
  let left = consumption.maxMessages < 0 ? Number.POSITIVE_INFINITY : consumption.maxMessages
  const take = async (batches: Batches, done: (record: ConsumedRecord) => void) => {
    for await (const batch of batches) {
      const part = batch.slice(0, Math.min(batch.length, left))
      for (const record of part) {
        print(record, consumption, io)
        printed()
        done(record)
      }
      left -= part.length
      rest()
      if (left > 0) continue
      ended = 'enough'
      stop.abort()
      return
    }
  }
  try {
    if (left > 0)
      await (consumption.group === null ? readAlone : readInGroup)(client, consumption, io, stop.signal, take)
  } finally {
    ;(timer as Timer | null)?.cancel()
  }
  return left > 0 ? ended : 'enough'
}

function print(record: ConsumedRecord, { format, skipsErrors }: Consumption, io: ToolIo): void {
  try {
    const text = format(record)
    if (text !== null) io.out(text)
  } catch (error) {
    if (!skipsErrors || !(error instanceof ToolFailure)) throw error
    io.err(`${error.text}\n`)
  }
}

type Take = (batches: Batches, done: (record: ConsumedRecord) => void) => Promise<void>

async function readInGroup(
  client: ToolClient,
  consumption: Consumption,
  io: ToolIo,
  signal: AbortSignal,
  take: Take,
): Promise<void> {
  const { group, from, isolation, commits } = consumption
  const topics = (await topicsOnceThere(client, consumption, io, signal)).map(({ name }) => name)
  if (topics.length === 0) return
  const consumer = client.groupConsumer({ group: group!, topics, from, isolation, signal })
  try {
    await take(consumer.batches(), (record) => {
      if (commits) consumer.done(record)
    })
  } finally {
    await consumer.close()
  }
}

/** Without a group: every partition is read from its start on, and again with those that have come since. */
async function readAlone(
  client: ToolClient,
  consumption: Consumption,
  io: ToolIo,
  signal: AbortSignal,
  take: Take,
): Promise<void> {
  const { isolation } = consumption
  const positions = new Map<string, ReadPosition>()
  let topics = await topicsOnceThere(client, consumption, io, signal)
  while (!signal.aborted) {
    for (const position of await newPositions(client, consumption, topics, positions)) {
      positions.set(`${position.topic}-${position.partition}`, position)
    }
    const changed = new AbortController()
    const watching = watch(client, consumption, io, AbortSignal.any([signal, changed.signal]), positions)
    void watching.then((found) => {
      if (found !== null) topics = found
      changed.abort()
    })
    const stop = AbortSignal.any([signal, changed.signal])
    const options = { isolation, signal: stop, outOfRange: consumption.from }
    try {
      await take(client.recordBatches([...positions.values()], options), ({ topic, partition, offset }) => {
        positions.set(`${topic}-${partition}`, { topic, partition, offset: offset + 1 })
      })
    } finally {
      changed.abort()
      await watching
    }
  }
}

/** The topics, as soon as there is a partition that is not among the positions; null when it is over. */
async function watch(
  client: ToolClient,
  consumption: Consumption,
  io: ToolIo,
  signal: AbortSignal,
  positions: ReadonlyMap<string, ReadPosition>,
): Promise<TopicMetadata[] | null> {
  while (await passes(io, REFRESH_MS, signal)) {
    const topics = await wantedTopics(client, consumption)
    if (unread(topics, consumption, positions).length > 0) return topics
  }
  return null
}

/** Waits; false when it is over before. */
function passes(io: ToolIo, ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false)
    const timer = io.clock.schedule(ms, () => resolve(true))
    signal.addEventListener('abort', () => {
      timer.cancel()
      resolve(false)
    })
  })
}

function unread(
  topics: readonly TopicMetadata[],
  { partition: wanted }: Consumption,
  positions: ReadonlyMap<string, ReadPosition>,
): { topic: string; partition: number }[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ partition }) => wanted === null || partition === wanted)
      .filter(({ partition }) => !positions.has(`${name}-${partition}`))
      .map(({ partition }) => ({ topic: name, partition })),
  )
}

async function newPositions(
  client: ToolClient,
  consumption: Consumption,
  topics: readonly TopicMetadata[],
  positions: ReadonlyMap<string, ReadPosition>,
): Promise<ReadPosition[]> {
  const partitions = unread(topics, consumption, positions)
  const { start, from, isolation } = consumption
  if (typeof start === 'number') return partitions.map((one) => ({ ...one, offset: start }))
  const queries = partitions.map((one) => ({ ...one, at: start ?? from }))
  const found = await client.offsets(queries, { isolation })
  return found.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
}

/** Waits for topics that are not there yet, as a Java consumer does. */
async function topicsOnceThere(
  client: ToolClient,
  consumption: Consumption,
  io: ToolIo,
  signal: AbortSignal,
): Promise<TopicMetadata[]> {
  let told = false
  while (!signal.aborted) {
    const topics = await wantedTopics(client, consumption)
    if (topics.length > 0) return topics
    if (!told) io.err(`WARN ${consumption.topic ?? consumption.include}: there is no such topic yet\n`)
    told = true
    await passes(io, REFRESH_MS / 4, signal)
  }
  return []
}

/** A topic that is named is made where the broker makes topics, as a Java consumer has it done. */
async function wantedTopics(client: ToolClient, { topic, include }: Consumption): Promise<TopicMetadata[]> {
  if (topic === null) {
    const filter = new TopicFilter(include!)
    return (await client.topics(null)).filter(({ name }) => filter.allows(name, true))
  }
  const [known] = await client.topics([topic])
  if (known !== undefined && known.errorCode === ErrorCode.NONE) return [known]
  if (known !== undefined && !isRetriable(known.errorCode)) throw failureOf(known.errorCode)
  await client.send(Metadata, {
    topics: [{ name: topic }],
    allowAutoTopicCreation: true,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
  return []
}
