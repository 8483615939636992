import { crc32c } from '../../../protocol/records/crc32c.ts'
import type { LoadRequest } from './loaded-log.ts'
import type { LogContext } from './log-context.ts'
import { LogSegment, readTransactionIndex } from './log-segment.ts'
import { TransactionIndex } from './transaction-index.ts'

/** Files that a crash left half way: of no use to anyone. */
const LEFTOVERS = /\.(deleted|cleaned|tmp)$/
const SEGMENT_FILE = /^(\d{20})\.log$/
const SNAPSHOT_FILE = /^(\d{20})\.snapshot$/

const NOTHING = Buffer.alloc(0)

/** What the directory of a log holds, in the order of offsets. */
export interface SegmentListing {
  readonly segments: LogSegment[]
  /** The offsets of producer snapshots. */
  readonly snapshots: readonly number[]
  /** The path of a transaction index that is not what was written, or null. */
  readonly damaged: string | null
}

type ListingRequest = Pick<
  LoadRequest,
  'directory' | 'newJitterMs' | 'transactionIndexes' | 'logStartOffset' | 'clean' | 'recoveryPoint'
>

/** Of the names in a directory; leftovers are deleted. */
export function listSegments(
  { fileSystem, clock }: Pick<LogContext, 'fileSystem' | 'clock'>,
  request: ListingRequest,
  names: readonly string[],
): SegmentListing {
  const directory = request.directory()
  const segments: LogSegment[] = []
  const snapshots: number[] = []
  const unreadable = new Set<LogSegment>()
  for (const name of names) {
    const path = `${directory}/${name}`
    if (LEFTOVERS.test(name)) fileSystem.unlink(path)
    const snapshot = SNAPSHOT_FILE.exec(name)
    if (snapshot) snapshots.push(Number(snapshot[1]))
    const match = SEGMENT_FILE.exec(name)
    if (!match) continue
    const stat = fileSystem.stat(path)
    const transactionPath = `${directory}/${match[1]}.txnindex`
    const content = names.includes(`${match[1]}.txnindex`) ? fileSystem.readFile(transactionPath) : NOTHING
    const transactions = readTransactionIndex(content)
    const state = {
      baseOffset: Number(match[1]),
      sizeBytes: stat?.sizeBytes ?? 0,
      createdMs: stat?.modifiedMs ?? clock.nowMs(),
      jitterMs: request.newJitterMs(),
    }
    const segment = new LogSegment(state, request.directory, transactions ?? new TransactionIndex())
    segments.push(segment)
    if (transactions === null) unreadable.add(segment)
  }
  segments.sort((a, b) => a.baseOffset - b.baseOffset)
  const damaged = segments.find((segment, index) => {
    const next = segments[index + 1]
    return (unreadable.has(segment) && wasFinished(segment, next, request)) || isWrong(segment, next, request)
  })
  return { segments, snapshots, damaged: damaged?.path('txnindex') ?? null }
}

function isWrong(
  { baseOffset, transactions }: LogSegment,
  next: LogSegment | undefined,
  { transactionIndexes, logStartOffset, clean, recoveryPoint }: ListingRequest,
): boolean {
  // The others are made anew, and may have grown since.
  if (!clean && (next === undefined || next.baseOffset > recoveryPoint)) return false
  const crc = transactionIndexes.get(baseOffset)
  // Below the log start some files may be gone already, and nobody reads the others.
  if (crc === undefined || (next !== undefined && next.baseOffset <= logStartOffset)) return false
  const content = transactions.toBuffer()
  return crc32c(content, 0, content.length) !== crc
}

/** Somebody reads its indexes, and recovery does not make them anew, as it does where a crash may have left them half written. */
function wasFinished(
  { baseOffset }: LogSegment,
  next: LogSegment | undefined,
  { clean, recoveryPoint, logStartOffset }: Pick<LoadRequest, 'clean' | 'recoveryPoint' | 'logStartOffset'>,
): boolean {
  if (next !== undefined && next.baseOffset <= logStartOffset) return false
  return clean || (next === undefined ? baseOffset < recoveryPoint : next.baseOffset <= recoveryPoint)
}
