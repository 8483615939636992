import { BATCH_HEADER_BYTES, type BatchHeader, incrementSequence, isLogAppendTime, NO_SEQUENCE } from './batch.ts'
import { RecordCursor } from './record-cursor.ts'
import { RecordError } from './record-error.ts'

export { RecordError }

/** A name and bytes beside key and value. */
export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

export interface KafkaRecord {
  readonly offset: number
  /** Milliseconds since the epoch, -1 for none. */
  readonly timestamp: number
  /** -1 where the batch has no sequence. */
  readonly sequence: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** What of a batch header the reading of its records needs. */
export type RecordContext = Pick<
  BatchHeader,
  'baseOffset' | 'attributes' | 'baseTimestamp' | 'maxTimestamp' | 'baseSequence' | 'recordCount'
>

/** -1 as a size stands for null. The timestamp is what a reader will see: the batch's own under log append time. */
export type RecordVisitor = (
  index: number,
  offsetDelta: number,
  timestamp: number,
  keySizeBytes: number,
  valueSizeBytes: number,
) => void

/**
 * The records of a batch, from its uncompressed payload; keys and values are views of it. Throws RecordError at the
 * first malformed record, and where their number differs from the header's count.
 */
export function* readRecords(payload: Buffer, header: RecordContext): Generator<KafkaRecord, void, undefined> {
  const logAppendTime = isLogAppendTime(header.attributes)
  const cursor = new RecordCursor(payload, 0, payload.length)
  while (cursor.next()) {
    if (cursor.index >= header.recordCount) refuseMore(header.recordCount)
    yield {
      offset: header.baseOffset + cursor.offsetDelta,
      timestamp: logAppendTime ? header.maxTimestamp : header.baseTimestamp + cursor.timestampDelta,
      sequence: header.baseSequence < 0 ? NO_SEQUENCE : incrementSequence(header.baseSequence, cursor.offsetDelta),
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.headerCount === 0 ? NO_HEADERS : cursor.headers(),
    }
  }
  checkCount(cursor.index + 1, header.recordCount)
}

const NO_HEADERS: readonly RecordHeader[] = Object.freeze([])

/**
 * Checks every record of an uncompressed payload without making objects of them: lengths, varints, headers, bytes left
 * over, and that there are as many as the header says (RecordError otherwise). Whether the offset deltas are 0, 1, 2 …
 * is left to the visitor.
 */
export function walkRecords(
  buffer: Buffer,
  header: RecordContext,
  visit: RecordVisitor,
  start = 0,
  end = buffer.length,
): void {
  const logAppendTime = isLogAppendTime(header.attributes)
  const cursor = new RecordCursor(buffer, start, end)
  while (cursor.next()) {
    if (cursor.index >= header.recordCount) refuseMore(header.recordCount)
    const timestamp = logAppendTime ? header.maxTimestamp : header.baseTimestamp + cursor.timestampDelta
    visit(cursor.index, cursor.offsetDelta, timestamp, cursor.keySizeBytes, cursor.valueSizeBytes)
  }
  checkCount(cursor.index + 1, header.recordCount)
}

/** `walkRecords` over the uncompressed batch at a position, without a view of its payload. */
export function walkBatch(buffer: Buffer, at: number, header: BatchHeader, visit: RecordVisitor): void {
  walkRecords(buffer, header, visit, at + BATCH_HEADER_BYTES, at + header.sizeBytes)
}

function refuseMore(announced: number): never {
  throw new RecordError(`more records than the ${announced} that the header announces`)
}

function checkCount(found: number, announced: number): void {
  if (found !== announced) throw new RecordError(`the header announces ${announced} records, ${found} are there`)
}
