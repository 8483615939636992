import { crc32c } from '../../../protocol/records/crc32c.ts'
import { decodeChecked, encodeChecked } from './checked-json.ts'
import { LeaderEpochCache } from './leader-epoch-cache.ts'
import type { LoadedLog, LoadRequest } from './loaded-log.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
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
  /** Of the segments with a transaction index, which has no checksum of its own. */
  readonly transactionIndexes: readonly (readonly [baseOffset: number, crc: number])[]
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
  return encodeChecked(VERSION, entries)
}

/** Empty when there is none that this version can read: every log is then read from its files. */
export function decodeManifest(content: Buffer | null): Map<string, ManifestEntry> {
  if (content === null) return new Map()
  return new Map(Object.entries(decodeChecked<Record<string, ManifestEntry>>(content, VERSION) ?? {}))
}

function describe(log: Log): ManifestEntry | null {
  if (log.sizeBytes === 0 || log.producerState.size > MOST_PRODUCERS || log.active.firstTimestampMs === null)
    return null
  return {
    topicId: log.topicId,
    segments: log.segments.map((segment) => [segment.baseOffset, segment.sizeBytes, segment.createdMs] as const),
    transactionIndexes: log.segments.flatMap((segment) => {
      if (segment.transactions.entries.length === 0) return []
      const content = segment.transactions.toBuffer()
      return [[segment.baseOffset, crc32c(content, 0, content.length)] as const]
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
  const indexes = new Map(entry.transactionIndexes)
  const segments: LogSegment[] = []
  for (const [baseOffset, sizeBytes, createdMs] of entry.segments) {
    const path = `${directory}/${segmentName(baseOffset)}`
    if ((context.fileSystem.stat(`${path}.log`)?.sizeBytes ?? 0) !== sizeBytes) return null
    const crc = indexes.get(baseOffset)
    const content = crc === undefined ? null : context.fileSystem.readFile(`${path}.txnindex`)
    if (crc !== undefined && (content === null || crc32c(content, 0, content.length) !== crc)) return null
    const transactions = content === null ? undefined : readTransactionIndex(content)
    if (transactions === null) return null
    const state = { baseOffset, sizeBytes, createdMs, jitterMs: request.newJitterMs() }
    segments.push(new LogSegment(state, request.directory, transactions))
  }
  segments.at(-1)!.firstTimestampMs = entry.firstTimestampMs
  return {
    segments,
    logStartOffset: Math.max(entry.logStartOffset, request.logStartOffset),
    logEndOffset: entry.logEndOffset,
    recoveryPoint: entry.logEndOffset,
    epochs: new LeaderEpochCache(entry.epochs.map(([epoch, startOffset]) => ({ epoch, startOffset }))),
    producers: producersOf(context, entry),
    snapshotOffsets: [...entry.snapshotOffsets],
    snapshot: null,
    directoryExists: true,
    namesUnsynced: false,
    rebuilt: [],
    gapsBelow: request.gapsBelow,
    goesOnBehindLoss: false,
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
      endedTransactions: 0,
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
