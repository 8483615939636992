import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchCrcIsValid,
  batchSizeBytes,
  CURRENT_MAGIC,
  isControl,
  magic,
  readBatchHeader,
} from '../../../protocol/records/batch.ts'
import type { File } from '../../io/file-system.ts'
import type { ReadBuffers } from './read-buffers.ts'

const STEP_BYTES = 1024 * 1024

export interface ScanRange {
  readonly fromPosition: number
  readonly endPosition: number
  /** Offsets never fall: the least that the first batch may have. */
  readonly leastOffset: number
  /** Batches from this offset on must have a valid CRC. */
  readonly checkCrcFrom: number
  /** Offsets may be missing below; none when it is not given, and then any may. */
  readonly gapsBelow?: number
}

export interface ScanResult {
  /** End of the last good batch in the file. */
  readonly endPosition: number
  /** One past its last offset, or leastOffset. */
  readonly nextOffset: number
  /** Why the scan ended early, or null. */
  readonly problem: string | null
}

/**
 * Called for each batch. The bytes behind the header are there for control batches and where the CRC is checked; false
 * ends the scan.
 */
export type ScanVisitor = (header: BatchHeader, buffer: Buffer, at: number, position: number) => boolean | undefined

/** Walks over the batches of a file, in reads of a megabyte that let other work run between them. */
export async function scanBatches(
  file: File,
  buffers: ReadBuffers,
  range: ScanRange,
  visit: ScanVisitor,
): Promise<ScanResult> {
  const state: ScanState = {
    position: range.fromPosition,
    nextOffset: range.leastOffset,
    nextIsKnown: range.fromPosition === 0,
    problem: null,
    done: false,
  }
  let stepBytes = STEP_BYTES
  while (state.position < range.endPosition && !state.done) {
    const wanted = Math.min(stepBytes, range.endPosition - state.position)
    const buffer = buffers.take(wanted)
    const filled = await file.read(buffer.subarray(0, wanted), state.position)
    const before = state.position
    scanBuffer(buffer, filled, range, state, visit)
    stepBytes = STEP_BYTES
    if (state.position === before && !state.done) {
      if (filled < wanted || filled < BATCH_HEADER_BYTES) end(state, `${filled} bytes are too few for a batch`)
      else stepBytes = batchSizeBytes(buffer, 0)
    }
    buffers.give(buffer)
  }
  return { endPosition: state.position, nextOffset: state.nextOffset, problem: state.problem }
}

/** Offsets in the indexes of a segment are int32. */
const MAX_RELATIVE_OFFSET = 2 ** 31 - 1

interface ScanState {
  position: number
  nextOffset: number
  /** In the middle of a segment the first batch tells. */
  nextIsKnown: boolean
  problem: string | null
  done: boolean
}

function scanBuffer(buffer: Buffer, filled: number, range: ScanRange, state: ScanState, visit: ScanVisitor): void {
  let at = 0
  while (filled - at >= BATCH_HEADER_BYTES && !state.done) {
    const header = readBatchHeader(buffer, at)
    const problem = headerProblem(buffer, at, header, range, state)
    if (problem !== null) {
      end(state, problem)
      return
    }
    const checked = header.baseOffset >= range.checkCrcFrom
    if ((checked || isControl(header.attributes)) && header.sizeBytes > filled - at) return
    if (checked && !batchCrcIsValid(buffer, at)) {
      end(state, `the CRC of the batch at offset ${header.baseOffset} is wrong`)
      return
    }
    if (visit(header, buffer, at, state.position) === false) state.done = true
    at += header.sizeBytes
    state.position += header.sizeBytes
    state.nextOffset = header.baseOffset + header.lastOffsetDelta + 1
    state.nextIsKnown = true
  }
}

function end(state: ScanState, problem: string): void {
  state.problem = problem
  state.done = true
}

function headerProblem(
  buffer: Buffer,
  at: number,
  header: BatchHeader,
  range: ScanRange,
  state: ScanState,
): string | null {
  if (magic(buffer, at) !== CURRENT_MAGIC) return `magic ${magic(buffer, at)} is not ${CURRENT_MAGIC}`
  if (header.sizeBytes < BATCH_HEADER_BYTES) return `a batch of ${header.sizeBytes} bytes`
  if (header.sizeBytes > range.endPosition - state.position) {
    return `a batch of ${header.sizeBytes} bytes with ${range.endPosition - state.position} left`
  }
  if (header.baseOffset < state.nextOffset || header.lastOffsetDelta < 0) {
    return `offset ${header.baseOffset} where at least ${state.nextOffset} belongs`
  }
  // The offset is not covered by the CRC.
  if (header.baseOffset - range.leastOffset > MAX_RELATIVE_OFFSET)
    return `offset ${header.baseOffset}, too far from ${range.leastOffset}`
  const mayBeMissing = !state.nextIsKnown || state.nextOffset < (range.gapsBelow ?? Number.POSITIVE_INFINITY)
  if (header.baseOffset > state.nextOffset && !mayBeMissing) {
    return `offset ${header.baseOffset} where ${state.nextOffset} belongs`
  }
  return null
}
