import { BATCH_HEADER_BYTES, batchCrcIsValid, batchSizeBytes, readBatchHeader } from '../../protocol/records/batch.ts'
import { readInt32, readInt64 } from '../../protocol/records/int64.ts'
import type { FileSystem } from '../../src/io/file-system.ts'

interface Found {
  readonly lastOffset: number
  readonly position: number
  readonly maxTimestamp: number
}

/**
 * Reads the files of one partition as a tool would and fails on the first thing that does not fit: offsets and CRCs in
 * the logs, every index entry against a scan of its log.
 */
export function checkPartition(fileSystem: FileSystem, directory: string, logStartOffset = 0): void {
  let previousEnd = -1
  const names = fileSystem.list(directory).filter((file) => file.endsWith('.log'))
  for (const [index, name] of names.entries()) {
    const base = Number(name.slice(0, 20))
    // Nobody reads what lies below the log start, and recovery leaves it alone until it is deleted.
    const next = names[index + 1]
    if (next !== undefined && Number(next.slice(0, 20)) <= logStartOffset) continue
    const batches = scan(fileSystem.readFile(`${directory}/${name}`)!, `${directory}/${name}`, base)
    if (previousEnd >= 0 && base !== previousEnd)
      fail(`${name} begins at ${base}, its predecessor ends at ${previousEnd}`)
    previousEnd = (batches.at(-1)?.lastOffset ?? base - 1) + 1
    checkOffsetIndex(fileSystem.readFile(`${directory}/${name.slice(0, 20)}.index`), base, batches)
    checkTimeIndex(fileSystem.readFile(`${directory}/${name.slice(0, 20)}.timeindex`), base, batches)
  }
}

function scan(content: Buffer, path: string, base: number): Found[] {
  const batches: Found[] = []
  let expected = base
  for (let at = 0; at < content.length; ) {
    if (content.length - at < BATCH_HEADER_BYTES) fail(`${path}: trailing bytes at ${at}`)
    const header = readBatchHeader(content, at)
    if (at + batchSizeBytes(content, at) > content.length) fail(`${path}: a batch is cut off at ${at}`)
    if (!batchCrcIsValid(content, at)) fail(`${path}: wrong CRC at ${at}`)
    if (header.baseOffset !== expected) fail(`${path}: offset ${header.baseOffset} where ${expected} belongs`)
    expected = header.baseOffset + header.lastOffsetDelta + 1
    batches.push({ lastOffset: expected - 1, position: at, maxTimestamp: header.maxTimestamp })
    at += header.sizeBytes
  }
  return batches
}

function checkOffsetIndex(content: Buffer | null, base: number, batches: readonly Found[]): void {
  if (content === null) return
  if (content.length % 8 !== 0) fail(`an offset index of ${content.length} bytes`)
  let previous = -1
  for (let at = 0; at < content.length; at += 8) {
    const lastOffset = base + readInt32(content, at)
    if (lastOffset <= previous) fail(`offset index entry ${at / 8} does not increase`)
    previous = lastOffset
    const position = readInt32(content, at + 4)
    const batch = batches.find((candidate) => candidate.position === position)
    if (batch?.lastOffset !== lastOffset) fail(`offset index entry ${lastOffset} → ${position} names no batch`)
  }
}

function checkTimeIndex(content: Buffer | null, base: number, batches: readonly Found[]): void {
  if (content === null) return
  if (content.length % 12 !== 0) fail(`a time index of ${content.length} bytes`)
  let previous = -1
  for (let at = 0; at < content.length; at += 12) {
    const timestamp = readInt64(content, at)
    const lastOffset = base + readInt32(content, at + 8)
    if (timestamp <= previous) fail(`time index entry ${at / 12} does not increase`)
    previous = timestamp
    const batch = batches.find((candidate) => candidate.lastOffset === lastOffset)
    if (batch?.maxTimestamp !== timestamp) fail(`time index entry ${timestamp} → ${lastOffset} names no such batch`)
    const earlier = batches.find((candidate) => candidate.maxTimestamp >= timestamp)
    if (earlier?.lastOffset !== lastOffset) fail(`time index entry ${timestamp} is not the first batch that late`)
  }
}

function fail(message: string): never {
  throw new Error(message)
}
