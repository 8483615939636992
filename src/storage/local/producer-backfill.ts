import { type BatchHeader, isControl } from '../../../protocol/records/batch.ts'
import { lastSequenceOf, REMEMBERED_BATCHES, type SequencedBatch } from '../sequence-check.ts'
import { readIndexes } from './index-files.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'
import type { ProducerState } from './producer-state.ts'
import { scanBatches } from './segment-scanner.ts'

/** A batch this old is not sent again: five times the delivery timeout of the Java client. */
const STILL_SENT_AGAIN_MS = 600_000
/** How far back in the log earlier batches are looked for: five of the default max.message.bytes, and some. */
const WINDOW_BYTES = 8 * 1024 * 1024

interface EarlierBatch extends SequencedBatch {
  readonly producerEpoch: number
}

/**
 * A snapshot knows only the last batch of each producer. A client may have up to five in flight when the broker stops,
 * and sends all of them again: the ones before the last are taken from the log, or they would be refused with
 * OUT_OF_ORDER_SEQUENCE_NUMBER although they are there.
 */
export async function backfillProducers(
  context: LogContext,
  segments: readonly LogSegment[],
  snapshotOffset: number,
  producers: ProducerState,
): Promise<void> {
  // By the time of the last write, which recovery has not touched: records may carry any time.
  const lastWriteMs = Math.max(...segments.map((segment) => segment.createdMs), 0)
  if (context.clock.nowMs() - lastWriteMs > STILL_SENT_AGAIN_MS) return
  const wanted = new Map<number, EarlierBatch[]>()
  for (const entry of producers.all()) {
    if (entry.batches.length < REMEMBERED_BATCHES) wanted.set(entry.producerId, [])
  }
  if (wanted.size === 0) return
  for (const range of rangesBefore(context, segments, snapshotOffset)) {
    await collect(context, range, snapshotOffset, wanted)
  }
  for (const entry of producers.all()) {
    const firstKnown = entry.batches[0]?.baseOffset
    if (firstKnown === undefined) continue
    const earlier = (wanted.get(entry.producerId) ?? []).filter((batch) => {
      return batch.producerEpoch === entry.producerEpoch && batch.baseOffset < firstKnown
    })
    entry.batches = [...earlier, ...entry.batches].slice(-REMEMBERED_BATCHES)
  }
}

interface Range {
  readonly segment: LogSegment
  readonly fromPosition: number
}

/** Where to look, in the order of the log: the last megabytes before the offset, over segment borders. */
function rangesBefore(context: LogContext, segments: readonly LogSegment[], offset: number): Range[] {
  const ranges: Range[] = []
  let remaining = WINDOW_BYTES
  for (let index = segments.length - 1; index >= 0 && remaining > 0; index--) {
    const segment = segments[index]!
    if (segment.baseOffset >= offset || segment.sizeBytes === 0) continue
    const covers = (segments[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY) > offset
    if (segment.sizeBytes <= remaining) ranges.unshift({ segment, fromPosition: 0 })
    else if (!readIndexes(context, segment)) break
    else {
      const end = covers ? segment.offsetIndex!.positionBefore(offset) : segment.sizeBytes
      ranges.unshift({ segment, fromPosition: segment.offsetIndex!.batchStartBefore(Math.max(0, end - remaining)) })
    }
    remaining -= segment.sizeBytes
  }
  return ranges
}

async function collect(
  context: LogContext,
  { segment, fromPosition }: Range,
  endOffset: number,
  wanted: Map<number, EarlierBatch[]>,
): Promise<void> {
  const open = segment.acquireLog(context.files)
  try {
    const range = {
      fromPosition,
      endPosition: segment.sizeBytes,
      leastOffset: segment.baseOffset,
      checkCrcFrom: Number.POSITIVE_INFINITY,
    }
    await scanBatches(open.file, context.readBuffers, range, (header) => {
      if (header.baseOffset >= endOffset) return false
      remember(header, wanted)
      return true
    })
  } finally {
    context.files.release(open)
  }
}

function remember(header: BatchHeader, wanted: Map<number, EarlierBatch[]>): void {
  const batches = wanted.get(header.producerId)
  if (!batches || isControl(header.attributes)) return
  if (batches.length === REMEMBERED_BATCHES) batches.shift()
  batches.push({
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    lastSequence: lastSequenceOf(header),
    baseOffset: header.baseOffset,
    lastOffset: header.baseOffset + header.lastOffsetDelta,
    timestampMs: header.maxTimestamp,
  })
}
