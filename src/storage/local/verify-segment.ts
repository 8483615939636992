import { type BatchHeader, isControl } from '../../../protocol/records/batch.ts'
import type { File, FileSystem } from '../../io/file-system.ts'
import { BatchWalker } from './batch-walker.ts'
import { readEndMarker } from './end-marker.ts'
import type { LeaderEpochCache } from './leader-epoch-cache.ts'
import { segmentName } from './log-segment.ts'
import { systemErrorCode } from './storage-error.ts'
import { type AbortedRange, parseTransactionIndex } from './transaction-index.ts'
import { type Finding, offsetRange, REBUILT, RESTORE, type ReportFinding } from './verify-finding.ts'
import { type IndexProblem, OffsetIndexCheck, TimeIndexCheck, transactionIndexProblem } from './verify-index-files.ts'
import type { ProducerReplay } from './verify-producers.ts'

/** How the directory was left: stopped in order, killed, or not left at all. */
export type DirectoryState = 'clean' | 'crashed' | 'running'

/** What is known of a partition before its segments are read, and what they have told so far. */
export interface PartitionState {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly state: DirectoryState
  readonly report: ReportFinding
  readonly onBytes: (bytes: number) => void
  /** Compaction is on: batches may be missing anywhere. */
  readonly compacted: boolean
  /** Compaction was on: batches may be missing below. */
  readonly cleanedOffset: number
  /** Everything below was on the disk with its indexes. */
  readonly recoveryPoint: number
  /** Null where the file does not tell. */
  readonly epochs: LeaderEpochCache | null
  readonly producers: ProducerReplay
  /** The log tells nothing of what came before. */
  readonly firstOffset: number
  /** Called before a batch is taken in, with its offset; and at the end of the log. */
  readonly reached: (offset: number) => void
  nextOffset: number
  leaderEpoch: number
  batches: number
  segments: number
}

export interface SegmentPlace {
  readonly baseOffset: number
  /** Of the next segment; null for the last one. */
  readonly nextBaseOffset: number | null
  readonly files: ReadonlySet<string>
}

const MAX_RELATIVE_OFFSET = 2 ** 31 - 1

/** Checks one segment and its indexes. */
export async function verifySegment(partition: PartitionState, place: SegmentPlace): Promise<void> {
  const check = new SegmentCheck(partition, place)
  try {
    await check.run()
  } finally {
    check.close()
  }
}

class SegmentCheck {
  readonly #partition: PartitionState
  readonly #place: SegmentPlace
  readonly #name: string
  /** A start takes the files for what they say; otherwise it reads the segment and makes the indexes anew. */
  readonly #settled: boolean
  readonly #open: File[] = []
  #offsetIndex: OffsetIndexCheck | null = null
  #timeIndex: TimeIndexCheck | null = null
  readonly #aborted: AbortedRange[] = []
  #sizeBytes = 0
  #largestBatchBytes = 0
  #damaged = false
  /** Damage that is reported once it is known which batch follows it. */
  #pending: { readonly from: number; readonly to: number; readonly problem: string } | null = null

  constructor(partition: PartitionState, place: SegmentPlace) {
    this.#partition = partition
    this.#place = place
    this.#name = `${partition.directory}/${segmentName(place.baseOffset)}`
    const { nextBaseOffset } = place
    this.#settled =
      partition.state === 'clean' || (nextBaseOffset !== null && nextBaseOffset <= partition.recoveryPoint)
  }

  async run(): Promise<void> {
    const { baseOffset, nextBaseOffset } = this.#place
    const partition = this.#partition
    const log = this.#openFile('log')
    if (log === null) return
    partition.segments++
    if (baseOffset < partition.nextOffset) this.#overlaps()
    partition.nextOffset = Math.max(partition.nextOffset, baseOffset)
    const [offsets, times] = [this.#openFile('index'), this.#openFile('timeindex')]
    this.#offsetIndex = offsets && new OffsetIndexCheck(offsets, baseOffset)
    this.#timeIndex = times && new TimeIndexCheck(times, baseOffset)
    this.#sizeBytes = log.sizeBytes()
    const walker = new BatchWalker(log, this.#sizeBytes, baseOffset, partition.onBytes)
    await walker.walk({
      batch: (header, crcIsValid, position, buffer, at) => {
        if (crcIsValid) this.#batch(header, position, buffer, at)
        else this.#wrongCrc(header, position)
      },
      damage: (from, to, problem) => {
        this.#damaged = true
        this.#pending = { from, to, problem }
      },
    })
    this.#reportDamage(nextBaseOffset)
    if (nextBaseOffset !== null && this.#sizeBytes === 0 && !partition.compacted) this.#emptySegment(nextBaseOffset)
    else if (nextBaseOffset !== null && nextBaseOffset > partition.nextOffset) this.#gap(nextBaseOffset, null)
    this.#finishIndexes()
  }

  close(): void {
    for (const file of this.#open) file.close()
  }

  #batch(header: BatchHeader, position: number, buffer: Buffer, at: number): void {
    const partition = this.#partition
    const { baseOffset, lastOffsetDelta, recordCount, partitionLeaderEpoch } = header
    const lastOffset = baseOffset + lastOffsetDelta
    this.#reportDamage(baseOffset)
    const where = { place: `position ${position}, offset ${baseOffset}`, meaning: '', remedy: RESTORE }
    this.#largestBatchBytes = Math.max(this.#largestBatchBytes, header.sizeBytes)
    this.#offsetIndex?.batch(position, lastOffset)
    this.#timeIndex?.batch(lastOffset, header.maxTimestamp, recordCount > 0)
    partition.batches++
    if (lastOffsetDelta < 0 || baseOffset < partition.nextOffset) {
      const problem = `offsets ${baseOffset} to ${lastOffset} where at least ${partition.nextOffset} belongs`
      this.#error({ ...where, problem, meaning: 'Readers may get records twice or not at all' })
      return
    }
    if (baseOffset > partition.nextOffset) this.#gap(baseOffset, position)
    if (lastOffset - this.#place.baseOffset > MAX_RELATIVE_OFFSET) {
      const problem = `offset ${lastOffset} is too far from the segment's base for its indexes`
      this.#error({ ...where, problem, meaning: 'The batch cannot be found by offset' })
    }
    const full = recordCount === lastOffsetDelta + 1
    if (!full && !(this.#mayHaveGaps(lastOffset) && recordCount >= 0 && recordCount <= lastOffsetDelta)) {
      const problem = `${recordCount} records in a batch of ${lastOffsetDelta + 1} offsets`
      this.#error({ ...where, problem, meaning: 'Records are missing although nothing was compacted' })
    }
    this.#leaderEpoch(header, partitionLeaderEpoch, where)
    this.#producer(header, buffer, at, where)
    partition.nextOffset = lastOffset + 1
  }

  #leaderEpoch({ baseOffset }: BatchHeader, epoch: number, where: Pick<Finding, 'place'>): void {
    const partition = this.#partition
    const told = partition.epochs?.epochAt(baseOffset) ?? -1
    if (epoch < partition.leaderEpoch) {
      const problem = `leader epoch ${epoch} follows ${partition.leaderEpoch}`
      this.#error({ ...where, problem, meaning: 'Consumers may take the log for truncated', remedy: RESTORE })
    }
    // A single batch that is wrong does not make all that follow wrong.
    partition.leaderEpoch = Math.max(partition.leaderEpoch, told >= 0 ? told : epoch)
    const { epochs } = partition
    if (epochs === null || epochs.latest === undefined) return
    // The file lags behind a log that was not closed, and knows nothing of what lies before the log start.
    if (told < 0 || told === epoch || (partition.state !== 'clean' && epoch > epochs.latest.epoch)) return
    const problem = `leader epoch ${epoch}, but leader-epoch-checkpoint has ${told} there`
    const meaning = 'Consumers that look for a truncation are told a wrong offset'
    this.#error({ ...where, problem, meaning, remedy: 'Delete leader-epoch-checkpoint while the broker is stopped' })
  }

  #producer(header: BatchHeader, buffer: Buffer, at: number, where: Pick<Finding, 'place'>): void {
    const partition = this.#partition
    partition.reached(header.baseOffset)
    if (header.producerId < 0) return
    const problem = partition.producers.sequenceProblem(header, this.#mayHaveGaps(header.baseOffset))
    if (problem !== null) {
      const meaning = 'Something an idempotent producer sent is there twice, or missing'
      this.#error({ ...where, problem, meaning, remedy: 'Compare with the source of the records' })
    }
    const marker = isControl(header.attributes) ? readEndMarker(buffer, at, header) : null
    const aborted = partition.producers.apply(header, marker)
    if (aborted) this.#aborted.push(aborted)
  }

  #wrongCrc(header: BatchHeader, position: number): void {
    const { baseOffset, lastOffsetDelta } = header
    this.#reportDamage(baseOffset)
    const { nextOffset, state } = this.#partition
    const end = Math.max(nextOffset, baseOffset + Math.max(0, lastOffsetDelta) + 1)
    this.#damaged = true
    this.#offsetIndex?.batch(position, baseOffset + lastOffsetDelta)
    const torn = this.#isTornEnd(position + header.sizeBytes)
    if (state === 'running' && torn) return
    this.#add(torn ? 'note' : 'error', {
      place: `position ${position}, offset ${nextOffset}`,
      problem: 'the CRC is wrong',
      meaning: `${capital(offsetRange(nextOffset, end))} cannot be read`,
      remedy: torn ? 'The next start cuts it off: it was being written when the broker was killed' : RESTORE,
    })
    this.#partition.nextOffset = end
  }

  /** `offset`: of the batch or segment that follows; null when nothing does. */
  #reportDamage(offset: number | null): void {
    if (this.#pending === null) return
    const { from, to, problem } = this.#pending
    this.#pending = null
    const partition = this.#partition
    const { nextOffset } = partition
    const torn = offset === null && this.#isTornEnd(to)
    // What is being written right now is no batch yet.
    if (torn && partition.state === 'running') return
    const lost = offset === null ? `whatever followed offset ${nextOffset - 1}` : offsetRange(nextOffset, offset)
    this.#add(torn ? 'note' : 'error', {
      place: `position ${from}, offset ${nextOffset}`,
      problem,
      meaning: torn ? 'A write was cut short' : `${capital(lost)} cannot be read`,
      remedy: torn ? `The next start cuts off ${to - from} bytes` : RESTORE,
    })
    if (offset !== null) partition.nextOffset = Math.max(nextOffset, offset)
  }

  /** A crash may leave the last write unfinished, and a running broker is always about to finish one. */
  #isTornEnd(endPosition: number): boolean {
    const { state, nextOffset, recoveryPoint } = this.#partition
    if (state === 'clean' || endPosition < this.#sizeBytes) return false
    return this.#place.nextBaseOffset === null && nextOffset >= recoveryPoint
  }

  #mayHaveGaps(offset: number): boolean {
    return this.#partition.compacted || offset < this.#partition.cleanedOffset
  }

  #gap(offset: number, position: number | null): void {
    const { nextOffset } = this.#partition
    if (this.#mayHaveGaps(offset - 1)) return
    const lost = offsetRange(nextOffset, offset)
    const unfinished = !this.#settled && this.#partition.state === 'crashed'
    const remedy = unfinished ? 'The next start ends the log before it' : RESTORE
    const problem = position === null ? `it ends before ${lost}` : `${lost} are skipped`
    const place = position === null ? `position ${this.#sizeBytes}` : `position ${position}, offset ${offset}`
    this.#error({ place, problem, meaning: 'Records are missing although nothing was compacted', remedy })
  }

  #emptySegment(nextBaseOffset: number): void {
    const meaning = `${capital(offsetRange(this.#place.baseOffset, nextBaseOffset))} are lost`
    this.#error({ place: '', problem: 'the file is empty, but not the last segment', meaning, remedy: RESTORE })
  }

  #overlaps(): void {
    const { nextOffset } = this.#partition
    const problem = `the segment before it already ends at offset ${nextOffset}`
    this.#error({ place: '', problem, meaning: 'Readers may get records twice', remedy: RESTORE })
  }

  #finishIndexes(): void {
    const closed = this.#place.nextBaseOffset !== null || this.#partition.state === 'clean'
    this.#index('index', this.#offsetIndex?.finish() ?? null, this.#offsetIndex === null)
    const times = this.#timeIndex?.finish(closed && this.#settled) ?? null
    this.#index('timeindex', times, this.#timeIndex === null)
    this.#transactionIndex()
  }

  #index(suffix: 'index' | 'timeindex', found: IndexProblem | null, missing: boolean): void {
    const file = `${this.#name}.${suffix}`
    if (missing) {
      if (!this.#settled || this.#sizeBytes === 0) return
      const remedy = 'It is made again when the segment is read'
      this.#partition.report({ level: 'note', file, place: '', problem: 'the file is missing', meaning: '', remedy })
      return
    }
    // Where the log is damaged, its index cannot be judged.
    if (found === null || this.#damaged) return
    const more = found.wrongEntries > 1 ? ` (${found.wrongEntries} entries are wrong)` : ''
    const seeking = suffix === 'index' ? 'offset' : 'timestamp'
    this.#partition.report({
      level: this.#settled ? 'error' : 'note',
      file,
      place: '',
      problem: `${found.problem}${more}`,
      meaning: this.#settled ? `Readers that look for ${an(seeking)} may miss records or get errors` : '',
      remedy: this.#settled ? REBUILT : 'The next start makes it again from the log',
    })
  }

  #transactionIndex(): void {
    const file = `${this.#name}.txnindex`
    const present = this.#place.files.has(`${segmentName(this.#place.baseOffset)}.txnindex`)
    const content = present ? this.#partition.fileSystem.readFile(file) : Buffer.alloc(0)
    if (content === null || this.#damaged) return
    const index = parseTransactionIndex(content)
    const mayKnowMore = this.#partition.compacted || this.#place.baseOffset < this.#partition.cleanedOffset
    const problem =
      index === null
        ? `${content.length} bytes that are no transaction index`
        : transactionIndexProblem(index, this.#aborted, this.#partition.firstOffset, mayKnowMore)
    // It is written when the segment is full or the broker stops.
    if (problem === null || (!this.#settled && index !== null)) return
    this.#partition.report({
      level: this.#settled ? 'error' : 'note',
      file,
      place: '',
      problem: present ? problem : `the file is missing: ${problem}`,
      meaning: this.#settled ? 'Readers of committed records may get aborted ones, or miss others' : '',
      remedy: this.#settled ? RESTORE : 'The next start makes it again from the log',
    })
  }

  #openFile(suffix: 'log' | 'index' | 'timeindex'): File | null {
    if (!this.#place.files.has(`${segmentName(this.#place.baseOffset)}.${suffix}`)) return null
    try {
      const file = this.#partition.fileSystem.open(`${this.#name}.${suffix}`, 'read')
      this.#open.push(file)
      return file
    } catch (error) {
      // Retention and compaction go on beside us.
      if (this.#partition.state === 'running' && systemErrorCode(error) === 'ENOENT') return null
      throw error
    }
  }

  #error(finding: Omit<Finding, 'level' | 'file'>): void {
    this.#add('error', finding)
  }

  #add(level: Finding['level'], finding: Omit<Finding, 'level' | 'file'>): void {
    this.#partition.report({ level, file: `${this.#name}.log`, ...finding })
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function an(noun: string): string {
  return noun === 'offset' ? 'an offset' : 'a timestamp'
}
