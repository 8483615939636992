import type { LoadRequest } from './loaded-log.ts'
import type { LogContext } from './log-context.ts'
import { LogSegment, readTransactionIndex } from './log-segment.ts'
import { TransactionIndex } from './transaction-index.ts'

/** Files that a crash left half way: of no use to anyone. */
const LEFTOVERS = /\.(deleted|cleaned|tmp)$/
const SEGMENT_FILE = /^(\d{20})\.log$/
const SNAPSHOT_FILE = /^(\d{20})\.snapshot$/

/** What the directory of a log holds, in the order of offsets. */
export interface SegmentListing {
  readonly segments: LogSegment[]
  /** The offsets of producer snapshots. */
  readonly snapshots: readonly number[]
  /** The path of a transaction index that cannot be read, or null. */
  readonly damaged: string | null
}

/** Of the names in a directory; leftovers are deleted. */
export function listSegments(
  { fileSystem, clock }: Pick<LogContext, 'fileSystem' | 'clock'>,
  request: Pick<LoadRequest, 'directory' | 'newJitterMs' | 'clean' | 'recoveryPoint' | 'logStartOffset'>,
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
    const transactions = names.includes(`${match[1]}.txnindex`)
      ? readTransactionIndex(fileSystem.readFile(transactionPath))
      : new TransactionIndex()
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
    return unreadable.has(segment) && wasFinished(segment, segments[index + 1], request)
  })
  return { segments, snapshots, damaged: damaged?.path('txnindex') ?? null }
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
