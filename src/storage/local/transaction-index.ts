import { readInt16, readInt64, writeInt16, writeInt64 } from '../../../protocol/records/int64.ts'

const ENTRY_BYTES = 34
const VERSION = 0

export interface AbortedRange {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the abort marker. */
  readonly lastOffset: number
  /** The last stable offset once the marker was applied. */
  readonly lastStableOffset: number
}

/** The aborted transactions whose marker lies in a segment, in the order of their markers; the `.txnindex` file. */
export class TransactionIndex {
  readonly entries: AbortedRange[]

  constructor(entries: AbortedRange[] = []) {
    this.entries = entries
  }

  append(range: AbortedRange): void {
    this.entries.push(range)
  }

  /** Forgets transactions whose marker lies at the offset or behind it. */
  truncateToOffset(offset: number): void {
    while ((this.entries.at(-1)?.lastOffset ?? -1) >= offset) this.entries.pop()
  }

  toBuffer(): Buffer {
    const content = Buffer.alloc(this.entries.length * ENTRY_BYTES)
    this.entries.forEach((entry, index) => {
      const at = index * ENTRY_BYTES
      writeInt16(content, at, VERSION)
      writeInt64(content, at + 2, entry.producerId)
      writeInt64(content, at + 10, entry.firstOffset)
      writeInt64(content, at + 18, entry.lastOffset)
      writeInt64(content, at + 26, entry.lastStableOffset)
    })
    return content
  }
}

/** Null when the bytes are not a transaction index: it is then rebuilt from the log. */
export function parseTransactionIndex(content: Buffer): TransactionIndex | null {
  if (content.length % ENTRY_BYTES !== 0) return null
  const entries: AbortedRange[] = []
  for (let at = 0; at < content.length; at += ENTRY_BYTES) {
    if (readInt16(content, at) !== VERSION) return null
    const entry = {
      producerId: readInt64(content, at + 2),
      firstOffset: readInt64(content, at + 10),
      lastOffset: readInt64(content, at + 18),
      lastStableOffset: readInt64(content, at + 26),
    }
    if (entry.firstOffset > entry.lastOffset || entry.lastOffset <= (entries.at(-1)?.lastOffset ?? -1)) return null
    entries.push(entry)
  }
  return new TransactionIndex(entries)
}
