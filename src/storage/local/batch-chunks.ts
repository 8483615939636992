import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchCrcIsValid,
  batchSizeBytes,
  CURRENT_MAGIC,
  lastOffset,
  magic,
} from '../../../protocol/records/batch.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'

const STEP_BYTES = 1024 * 1024

/** Bytes on the disk that are not what was written there. */
export class CorruptBatchError extends Error {
  override readonly name = 'CorruptBatchError'
}

export interface BatchChunk {
  readonly buffer: Buffer
  /** Where the last whole batch in the buffer begins and ends. */
  readonly lastAt: number
  readonly end: number
  /** Of the first byte in the file. */
  readonly position: number
}

/**
 * The batches of a full segment, a megabyte of whole ones at a time; the buffer is valid until the next is asked for.
 * Throws CorruptBatchError where something else than a batch lies. CRCs are left to the caller, who may have to pause.
 */
export async function* readBatchChunks(
  context: LogContext,
  segment: LogSegment,
): AsyncGenerator<BatchChunk, void, undefined> {
  const open = segment.acquireLog(context.files)
  try {
    let stepBytes = STEP_BYTES
    let nextOffset = segment.baseOffset
    for (let position = 0; position < segment.writtenBytes; ) {
      const wanted = Math.min(stepBytes, segment.writtenBytes - position)
      const buffer = context.readBuffers.take(wanted)
      try {
        const filled = await open.file.read(buffer.subarray(0, wanted), position)
        const { lastAt, end, endOffset } = wholeBatches(
          buffer,
          filled,
          nextOffset,
          `${segment.path('log')} at ${position}`,
        )
        stepBytes = STEP_BYTES
        nextOffset = endOffset
        if (end > 0) yield { buffer, lastAt, end, position }
        else if (filled < BATCH_HEADER_BYTES || batchSizeBytes(buffer, 0) > segment.writtenBytes - position) {
          throw new CorruptBatchError(`${segment.path('log')} ends inside a batch at ${position}`)
        } else stepBytes = batchSizeBytes(buffer, 0)
        position += end
      } finally {
        context.readBuffers.give(buffer)
      }
    }
  } finally {
    context.files.release(open)
  }
}

/** Throws for a batch that is not the one that was written. */
export function checkCrc(buffer: Buffer, at: number): void {
  if (batchCrcIsValid(buffer, at)) return
  throw new CorruptBatchError(`the CRC of the batch at offset ${baseOffset(buffer, at)} is wrong`)
}

/** The last whole batch: where it lies in the buffer, and the offset behind it. */
function wholeBatches(buffer: Buffer, filled: number, leastOffset: number, place: string) {
  let at = 0
  let lastAt = 0
  let nextOffset = leastOffset
  while (filled - at >= BATCH_HEADER_BYTES) {
    const sizeBytes = batchSizeBytes(buffer, at)
    if (magic(buffer, at) !== CURRENT_MAGIC || sizeBytes < BATCH_HEADER_BYTES) {
      throw new CorruptBatchError(`no batch ${at} bytes behind ${place}`)
    }
    if (baseOffset(buffer, at) < nextOffset) {
      throw new CorruptBatchError(
        `offset ${baseOffset(buffer, at)} behind ${nextOffset - 1}, ${at} bytes behind ${place}`,
      )
    }
    if (sizeBytes > filled - at) break
    nextOffset = lastOffset(buffer, at) + 1
    lastAt = at
    at += sizeBytes
  }
  return { lastAt, end: at, endOffset: nextOffset }
}
