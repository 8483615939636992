import type { FileSystem } from '../../io/file-system.ts'
import { type LeaderEpochCache, parseLeaderEpochs } from './leader-epoch-cache.ts'
import { segmentName } from './log-segment.ts'
import { StorageError } from './storage-error.ts'
import { type Finding, lostText, RESTORE, type ReportFinding } from './verify-finding.ts'
import { ProducerReplay, readProducerSnapshot } from './verify-producers.ts'
import { type DirectoryState, type PartitionState, verifySegment } from './verify-segment.ts'

/** What the checkpoint files say of a partition; undefined where they have no entry. */
export interface CheckpointedOffsets {
  readonly recoveryPoint: number | undefined
  readonly logStart: number | undefined
  readonly highWatermark: number | undefined
  readonly cleaned: number | undefined
}

export interface PartitionToVerify {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly state: DirectoryState
  readonly offsets: CheckpointedOffsets
  /** Whether compaction is on for the topic. */
  readonly compacted: boolean
  readonly report: ReportFinding
  readonly onBytes?: (bytes: number) => void
}

export interface VerifiedPartition {
  readonly segments: number
  readonly batches: number
  readonly logEndOffset: number
}

const SEGMENT_FILE = /^(\d{20})\.(log|index|timeindex|txnindex)$/
const SNAPSHOT_FILE = /^(\d{20})\.snapshot$/
const LEFTOVER = /\.(deleted|cleaned|swap|tmp)$/
const COORDINATOR_LOG = /(?:^|[/\\])__(?:consumer_offsets|transaction_state|share_group_state)-\d+$/
const OTHER_FILES = new Set(['partition.metadata', 'leader-epoch-checkpoint'])

/** Checks the files of one partition against each other, and against the checkpoints. Reads, and does nothing else. */
export async function verifyPartition(request: PartitionToVerify): Promise<VerifiedPartition> {
  const names = request.fileSystem.list(request.directory)
  const files = new Set(names)
  noteStrangeNames(request, names)
  const segments = names.filter((name) => name.endsWith('.log') && SEGMENT_FILE.test(name)).map(baseOf)
  // Nobody reads what lies below the log start, and recovery leaves it alone until it is deleted.
  const bases = segments.filter((_, index) => {
    const next = segments[index + 1]
    return next === undefined || next > (request.offsets.logStart ?? 0)
  })
  const snapshots = new SnapshotChecks(
    request,
    names.filter((name) => SNAPSHOT_FILE.test(name)),
  )
  const epochs = readEpochs(request, files, segments.length > 0)
  const producers = new ProducerReplay(COORDINATOR_LOG.test(request.directory) ? 'coordinator' : 'client')
  const firstOffset = bases[0] ?? 0
  const partition: PartitionState = {
    fileSystem: request.fileSystem,
    directory: request.directory,
    state: request.state,
    report: request.report,
    onBytes: request.onBytes ?? (() => {}),
    compacted: request.compacted,
    cleanedOffset: request.offsets.cleaned ?? 0,
    recoveryPoint: request.offsets.recoveryPoint ?? 0,
    epochs,
    producers,
    reached: (offset) => snapshots.compare(offset, producers, firstOffset),
    firstOffset,
    nextOffset: firstOffset,
    leaderEpoch: -1,
    batches: 0,
    segments: 0,
  }
  for (const [index, baseOffset] of bases.entries()) {
    await verifySegment(partition, { baseOffset, nextBaseOffset: bases[index + 1] ?? null, files })
  }
  partition.reached(partition.nextOffset)
  snapshots.finish(partition.nextOffset)
  checkOffsets(request, segments[0] ?? null, partition.nextOffset)
  checkEpochEnd(request, epochs, partition)
  return { segments: partition.segments, batches: partition.batches, logEndOffset: partition.nextOffset }
}

function baseOf(name: string): number {
  return Number(name.slice(0, 20))
}

function noteStrangeNames(request: PartitionToVerify, names: readonly string[]): void {
  const files = new Set(names)
  for (const name of names) {
    const segment = SEGMENT_FILE.exec(name)
    if (segment ? files.has(`${segment[1]}.log`) : SNAPSHOT_FILE.test(name) || OTHER_FILES.has(name)) continue
    const problem = segment ? 'there is no log of that name' : LEFTOVER.test(name) ? 'left over' : 'not a file of ours'
    const remedy = LEFTOVER.test(name) && request.state !== 'running' ? 'The next start removes it' : ''
    request.report({
      level: 'note',
      file: `${request.directory}/${name}`,
      place: '',
      problem,
      meaning: 'Nothing reads it',
      remedy,
    })
  }
}

/** Producer snapshots, each compared when the replay has come to its offset. */
class SnapshotChecks {
  readonly #request: PartitionToVerify
  /** Offsets, ascending. */
  readonly #waiting: number[]

  constructor(request: PartitionToVerify, names: readonly string[]) {
    this.#request = request
    this.#waiting = names.map(baseOf)
  }

  compare(offset: number, producers: ProducerReplay, firstOffset: number): void {
    while (this.#waiting.length > 0 && this.#waiting[0]! <= offset) {
      const at = this.#waiting.shift()!
      const content = this.#request.fileSystem.readFile(this.#path(at))
      if (content === null) continue // A running broker keeps two of them.
      const snapshot = readProducerSnapshot(content)
      if (typeof snapshot === 'string') this.#report(at, snapshot)
      // Compaction takes batches away that a snapshot still tells of.
      else if (!this.#request.compacted && at > (this.#request.offsets.cleaned ?? 0)) {
        const problem = producers.snapshotProblem(snapshot, firstOffset)
        if (problem !== null) this.#report(at, problem)
      }
    }
  }

  finish(logEndOffset: number): void {
    for (const at of this.#waiting) this.#report(at, `it is behind the end of the log, offset ${logEndOffset}`)
  }

  #report(at: number, problem: string): void {
    const { state, offsets } = this.#request
    const settled = state === 'clean' || at <= (offsets.recoveryPoint ?? 0)
    const meaning = 'Retries of an idempotent producer may be stored twice or refused'
    const remedy = settled ? 'Delete the file while the broker is stopped: the log is read instead' : ''
    this.#request.report({
      level: settled ? 'error' : 'note',
      file: this.#path(at),
      place: '',
      problem,
      meaning: settled ? meaning : 'The next start removes it',
      remedy,
    })
  }

  #path(offset: number): string {
    return `${this.#request.directory}/${segmentName(offset)}.snapshot`
  }
}

function readEpochs(
  request: PartitionToVerify,
  files: ReadonlySet<string>,
  hasSegments: boolean,
): LeaderEpochCache | null {
  const file = `${request.directory}/leader-epoch-checkpoint`
  const report = (problem: string) => {
    const meaning = 'Consumers that look for a truncation are told too little'
    const remedy = 'Delete the file while the broker is stopped: epochs are taken from the log'
    request.report({ level: 'error', file, place: '', problem, meaning, remedy })
  }
  const content = files.has('leader-epoch-checkpoint') ? request.fileSystem.readFile(file) : null
  if (content === null) {
    if (request.state === 'clean' && hasSegments) report('the file is missing')
    return null
  }
  try {
    const epochs = parseLeaderEpochs(content, file)
    const wrong = epochs.entries.findIndex((entry, index) => {
      const before = epochs.entries[index - 1]
      return before !== undefined && (entry.epoch <= before.epoch || entry.startOffset <= before.startOffset)
    })
    if (wrong < 0) return epochs
    report(`entry ${wrong} does not increase`)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    report(error.message.replace(`${file}: `, ''))
  }
  return null
}

function checkEpochEnd(request: PartitionToVerify, epochs: LeaderEpochCache | null, partition: PartitionState): void {
  const latest = epochs?.latest
  const file = `${request.directory}/leader-epoch-checkpoint`
  if (latest === undefined) {
    if (epochs === null || request.state !== 'clean' || partition.batches === 0) return
    const problem = 'it has no epochs, although the log has batches'
    request.report({ level: 'error', file, place: '', problem, meaning: '', remedy: 'Delete it: the log tells them' })
  } else if (latest.startOffset > partition.nextOffset && request.state !== 'running') {
    const problem = `epoch ${latest.epoch} begins at offset ${latest.startOffset}`
    const meaning = `The log ends at ${partition.nextOffset}`
    const level = request.state === 'clean' ? 'error' : 'note'
    request.report({ level, file, place: '', problem, meaning, remedy: 'The next start forgets that epoch' })
  }
}

/** The log against the offsets that the checkpoint files have of it. */
function checkOffsets(request: PartitionToVerify, firstBase: number | null, logEndOffset: number): void {
  const { offsets, directory, state } = request
  const { recoveryPoint = 0, logStart = 0, highWatermark = 0, cleaned = 0 } = offsets
  const report = (level: Finding['level'], problem: string, meaning: string) => {
    const remedy = level === 'error' ? RESTORE : ''
    request.report({ level, file: directory, place: '', problem, meaning, remedy })
  }
  const end = firstBase === null ? logStart : logEndOffset
  const promised = Math.max(recoveryPoint, state === 'clean' ? highWatermark : 0)
  if (promised > end) {
    const was = `the log ended at or behind offset ${promised} once`
    report('error', `${was} and ends at ${end}`, `${lostText(end, promised)} lost`)
  } else if (highWatermark > end && state === 'crashed') {
    report(
      'note',
      `the log had been written up to offset ${highWatermark} and ends at ${end}`,
      'That was not yet synced',
    )
  }
  if (logStart > end && firstBase !== null) {
    const level = state === 'crashed' ? 'note' : 'error'
    report(level, `the log starts at offset ${logStart} and ends at ${end}`, 'The next start begins it anew there')
  }
  if (state === 'clean' && firstBase !== null && firstBase > logStart) {
    report(
      'error',
      `the log starts at offset ${logStart}, its first segment at ${firstBase}`,
      `${lostText(logStart, firstBase)} lost`,
    )
  }
  if (cleaned > end && firstBase !== null && state === 'clean') {
    report('error', `compaction has come to offset ${cleaned}, the log ends at ${end}`, '')
  }
}
