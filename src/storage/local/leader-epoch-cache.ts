import type { EpochEndOffset } from '../storage.ts'
import { formatCheckpoint, parseCheckpoint } from './checkpoint-file.ts'
import { StorageError } from './storage-error.ts'

export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: number
}

/** Which leader epoch wrote which part of a log (KIP-101): the `leader-epoch-checkpoint` file. Epochs only rise. */
export class LeaderEpochCache {
  #entries: EpochEntry[]
  /** Set whenever the file no longer says what is here. */
  dirty = false

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [...entries]
  }

  get latest(): EpochEntry | undefined {
    return this.#entries.at(-1)
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  /** Later records carry this epoch. An epoch that never had a record gives way to its successor. */
  assign(epoch: number, startOffset: number): void {
    const latest = this.latest
    if (latest && latest.epoch >= epoch) return
    while ((this.latest?.startOffset ?? -1) >= startOffset) this.#entries.pop()
    // An array of its exact size: one that is pushed to keeps room for sixteen more, in every partition.
    this.#entries = [...this.#entries, { epoch, startOffset }]
    this.dirty = true
  }

  /** -1 before the first known epoch. */
  epochAt(offset: number): number {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? -1
  }

  /** KIP-279: the largest epoch up to the one asked, and where the next one begins. */
  endOffset(epoch: number, logEndOffset: number): EpochEndOffset {
    const latest = this.latest
    if (!latest || epoch > latest.epoch || epoch < 0) return { leaderEpoch: -1, endOffset: -1 }
    const next = this.#entries.findIndex((entry) => entry.epoch > epoch)
    if (next < 0) return { leaderEpoch: latest.epoch, endOffset: logEndOffset }
    const floor = this.#entries[next - 1]?.epoch ?? epoch
    return { leaderEpoch: floor, endOffset: this.#entries[next]!.startOffset }
  }

  /** Forgets epochs that begin behind the end of the log, but not the one that begins right there. */
  truncateFromEnd(logEndOffset: number): void {
    while ((this.latest?.startOffset ?? -1) > logEndOffset) {
      this.#entries.pop()
      this.dirty = true
    }
  }

  /** Moves the beginning: the epoch of the new first offset then starts there. */
  truncateFromStart(logStartOffset: number): void {
    const first = this.#entries.findLastIndex((entry) => entry.startOffset <= logStartOffset)
    if (first < 0 || (first === 0 && this.#entries[0]!.startOffset === logStartOffset)) return
    const { epoch } = this.#entries[first]!
    this.#entries.splice(0, first + 1, { epoch, startOffset: logStartOffset })
    this.dirty = true
  }

  toBuffer(): Buffer {
    return formatCheckpoint(this.#entries.map((entry) => `${entry.epoch} ${entry.startOffset}`))
  }
}

export function parseLeaderEpochs(content: Buffer, path: string): LeaderEpochCache {
  const entries = parseCheckpoint(content, path).map((line) => {
    const match = /^(\d{1,10}) (\d{1,19})$/.exec(line)
    if (!match) throw new StorageError(`${path}: '${line}' is not 'epoch offset'`)
    return { epoch: Number(match[1]), startOffset: Number(match[2]) }
  })
  return new LeaderEpochCache(entries)
}
