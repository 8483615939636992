import { attributes, BATCH_HEADER_BYTES, isTransactional } from '../../protocol/records/batch.ts'

/** Whether the first batch claims to be part of a transaction. Too short to tell is left to validation. */
export function holdsTransactionalBatch(records: Buffer): boolean {
  return records.length >= BATCH_HEADER_BYTES && isTransactional(attributes(records, 0))
}
