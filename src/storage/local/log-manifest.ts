import { LeaderEpochCache } from './leader-epoch-cache.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import type { LoadedLog, LoadRequest } from './log-loader.ts'
import { LogSegment, readTransactionIndex, segmentName } from './log-segment.ts'
import { ProducerState } from './producer-state.ts'

/**
 * What a clean stop knew of every log, in one file, so that a start reads no directories: ten thousand partitions are
 * ten thousand objects and nothing else. It is a cache: valid only beside the mark of a clean stop, and deleted with it;
 * a log that it does not describe exactly is read from its files.
 */
export interface ManifestEntry {
  readonly topicId: string
  /** Base offset, bytes, time of creation. */
  readonly segments: readonly (readonly [baseOffset: number, sizeBytes: number, createdMs: number])[]
  /** Base offsets of the segments with a transaction index. */
  readonly transactionIndexes: readonly number[]
  readonly firstTimestampMs: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly epochs: readonly (readonly [epoch: number, startOffset: number])[]
  readonly snapshotOffsets: readonly number[]
  readonly producers: readonly ManifestProducer[]
}

type ManifestProducer = readonly [
  producerId: number,
  producerEpoch: number,
  coordinatorEpoch: number,
  currentTransactionFirstOffset: number,
  lastTimestampMs: number,
  batches: readonly (readonly [
    baseSequence: number,
    lastSequence: number,
    baseOffset: number,
    lastOffset: number,
    timestampMs: number,
  ])[],
]

const VERSION = 1
/** A log with more producers reads its snapshot: the manifest stays small. */
const MOST_PRODUCERS = 100

export function encodeManifest(logs: Iterable<Log>): Buffer {
  const entries: Record<string, ManifestEntry> = {}
  for (const log of logs) {
    const entry = describe(log)
    if (entry) entries[log.name] = entry
  }
  return Buffer.from(JSON.stringify({ version: VERSION, logs: entries }))
}

/** Empty when there is none that this version can read: every log is then read from its files. */
export function decodeManifest(content: Buffer | null): Map<string, ManifestEntry> {
  if (content === null) return new Map()
  try {
    const manifest: { version?: number; logs?: Record<string, ManifestEntry> } = JSON.parse(content.toString('utf8'))
    return new Map(manifest.version === VERSION ? Object.entries(manifest.logs ?? {}) : [])
  } catch (error) {
    if (error instanceof SyntaxError) return new Map()
    throw error
  }
}

function describe(log: Log): ManifestEntry | null {
  if (log.sizeBytes === 0 || log.producerState.size > MOST_PRODUCERS || log.active.firstTimestampMs === null)
    return null
  return {
    topicId: log.topicId,
    segments: log.segments.map((segment) => [segment.baseOffset, segment.sizeBytes, segment.createdMs] as const),
    transactionIndexes: log.segments.flatMap((segment) => {
      return segment.transactions.entries.length > 0 ? [segment.baseOffset] : []
    }),
    firstTimestampMs: log.active.firstTimestampMs,
    logStartOffset: log.logStartOffset,
    logEndOffset: log.logEndOffset,
    epochs: log.epochs.entries.map((entry) => [entry.epoch, entry.startOffset] as const),
    snapshotOffsets: log.files.snapshotOffsets,
    producers: [...log.producerState.all()].map((entry) => [
      entry.producerId,
      entry.producerEpoch,
      entry.coordinatorEpoch,
      entry.currentTransactionFirstOffset,
      entry.lastTimestampMs,
      entry.batches.map((batch) => [
        batch.baseSequence,
        batch.lastSequence,
        batch.baseOffset,
        batch.lastOffset,
        batch.timestampMs,
      ]),
    ]),
  }
}

/** The log as the manifest describes it, or null when its files have changed since. */
export function loadFromManifest(context: LogContext, request: LoadRequest, entry: ManifestEntry): LoadedLog | null {
  const directory = request.directory()
  const last = entry.segments.at(-1)
  if (!last) return null
  const active = context.fileSystem.stat(`${directory}/${segmentName(last[0])}.log`)
  if ((active?.sizeBytes ?? 0) !== last[1]) return null
  const segments = entry.segments.map(([baseOffset, sizeBytes, createdMs]) => {
    const path = `${directory}/${segmentName(baseOffset)}.txnindex`
    const indexed = entry.transactionIndexes.includes(baseOffset)
    const transactions = indexed ? readTransactionIndex(context.fileSystem.readFile(path)) : undefined
    if (transactions === null) return null
    const state = { baseOffset, sizeBytes, createdMs, jitterMs: request.newJitterMs() }
    return new LogSegment(state, request.directory, transactions)
  })
  if (!segments.every((segment) => segment !== null)) return null
  segments.at(-1)!.firstTimestampMs = entry.firstTimestampMs
  return {
    segments,
    logStartOffset: Math.max(entry.logStartOffset, request.logStartOffset),
    logEndOffset: entry.logEndOffset,
    recoveryPoint: entry.logEndOffset,
    epochs: new LeaderEpochCache(entry.epochs.map(([epoch, startOffset]) => ({ epoch, startOffset }))),
    producers: producersOf(context, entry),
    snapshotOffsets: [...entry.snapshotOffsets],
    directoryExists: true,
    namesUnsynced: false,
    rebuilt: [],
  }
}

function producersOf(context: LogContext, entry: ManifestEntry): ProducerState {
  const state = new ProducerState()
  const lastAppendMs = context.clock.nowMs()
  const inOrder = [...entry.producers].sort((a, b) => a[3] - b[3])
  for (const [producerId, producerEpoch, coordinatorEpoch, firstOffset, lastTimestampMs, batches] of inOrder) {
    state.restore({
      producerId,
      producerEpoch,
      coordinatorEpoch,
      currentTransactionFirstOffset: firstOffset,
      lastTimestampMs,
      lastAppendMs,
      batches: batches.map(([baseSequence, lastSequence, baseOffset, lastOffset, timestampMs]) => {
        return { baseSequence, lastSequence, baseOffset, lastOffset, timestampMs }
      }),
    })
  }
  return state
}
