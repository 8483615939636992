import type { FileSystem } from '../../io/file-system.ts'
import { BatchWalker } from './batch-walker.ts'
import type { LogSegment } from './log-segment.ts'

/** The files of a log contradict each other where they should not: it has to be read from its beginning. */
export class InconsistentLogError extends Error {
  override readonly name = 'InconsistentLogError'
}

/**
 * One past the last offset of the whole batches in a segment from a position on, or `leastOffset` when there is none:
 * what is lost when the file ends there.
 */
export async function endOfBatchesBehind(
  fileSystem: FileSystem,
  segment: LogSegment,
  fromPosition: number,
  leastOffset: number,
): Promise<number> {
  const path = segment.path('log')
  const sizeBytes = fileSystem.stat(path)?.sizeBytes ?? 0
  if (sizeBytes <= fromPosition) return leastOffset
  const file = fileSystem.open(path, 'read')
  try {
    let end = leastOffset
    await new BatchWalker(file, sizeBytes, leastOffset).walk(
      {
        batch: (header, crcIsValid) => {
          // The offset itself may be what is damaged.
          const isPlausible = header.baseOffset - leastOffset < PLAUSIBLE_OFFSETS
          if (crcIsValid && isPlausible) end = Math.max(end, header.baseOffset + header.lastOffsetDelta + 1)
        },
        damage: () => {},
      },
      fromPosition,
    )
    return end
  } finally {
    file.close()
  }
}

/** `: offsets 3 to 9 are lost`, or nothing. */
export function lostText(first: number, end: number): string {
  if (end <= first) return ''
  return end - first === 1 ? `: offset ${first} is lost` : `: offsets ${first} to ${end - 1} are lost`
}

/** The position that the last entry of an offset index names, 0 when there is none; reads that entry only. */
export function lastIndexedPosition(fileSystem: FileSystem, segment: LogSegment): number {
  const path = segment.path('index')
  const sizeBytes = fileSystem.stat(path)?.sizeBytes ?? 0
  if (sizeBytes < ENTRY_BYTES) return 0
  const entry = Buffer.alloc(ENTRY_BYTES)
  const file = fileSystem.open(path, 'read')
  try {
    file.readSync(entry, sizeBytes - (sizeBytes % ENTRY_BYTES) - ENTRY_BYTES)
  } finally {
    file.close()
  }
  const position = entry.readInt32BE(4)
  return position >= 0 && position < segment.sizeBytes ? position : 0
}

const ENTRY_BYTES = 8
const PLAUSIBLE_OFFSETS = 2 ** 31
