/** Bytes that are not a well-formed record batch. The message is the reason, fit for a producer to read. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
  /** Position of the record inside its batch, -1 when the batch as a whole is meant. */
  readonly recordIndex: number
  /** The message without the index. */
  readonly reason: string

  constructor(reason: string, recordIndex = -1) {
    super(recordIndex < 0 ? reason : `record ${recordIndex}: ${reason}`)
    this.recordIndex = recordIndex
    this.reason = reason
  }
}
