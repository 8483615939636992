import type { FileSystem } from '../../io/file-system.ts'
import type { Report } from './log-context.ts'
import { errorText, systemErrorCode } from './storage-error.ts'

const NAME = '.odradek-reserve'
const RESERVE_BYTES = 1024 * 1024
/** With less than this in its logs a broker has little to make room with, and a reserve would be most of what it writes. */
const WORTH_IT_BYTES = 16 * RESERVE_BYTES

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/**
 * A file with nothing in it, given up when the disk is full to the last block. To make room takes room: where a log
 * starts is noted before its old segments go, and without that DeleteRecords and retention could do nothing any more.
 */
export class SpaceReserve {
  readonly #fileSystem: FileSystem
  readonly #path: string
  readonly #report: Report
  readonly #usedBytes: () => number
  #state: 'missing' | 'there' | 'spent'

  constructor(fileSystem: FileSystem, directory: string, usedBytes: () => number, report: Report) {
    this.#fileSystem = fileSystem
    this.#path = `${directory}/${NAME}`
    this.#usedBytes = usedBytes
    this.#report = report
    this.#state = 'missing'
  }

  /** The disk was full, and there is no room yet to set the same aside again. */
  get isSpent(): boolean {
    return this.#state === 'spent'
  }

  /** Does what may be done twice; on a full disk once more, with the reserve given up for it. */
  async spend(task: () => Promise<void>): Promise<void> {
    try {
      await task()
    } catch (error) {
      if (!FULL.has(systemErrorCode(error)) || !this.#giveUp()) throw error
      this.#report(
        'error',
        `the disk is full (${errorText(error)}): ${this.#path} is given up, so that records can be deleted`,
      )
      await task()
      return
    }
    await this.#refill()
  }

  #giveUp(): boolean {
    if (!this.#fileSystem.exists(this.#path)) return false
    this.#fileSystem.unlink(this.#path)
    this.#state = 'spent'
    return true
  }

  async #refill(): Promise<void> {
    const isWanted = this.isSpent || (this.#state === 'missing' && this.#usedBytes() >= WORTH_IT_BYTES)
    if (!isWanted) return
    if (this.#fileSystem.stat(this.#path)?.sizeBytes === RESERVE_BYTES) {
      this.#state = 'there'
      return
    }
    if (!(await this.#write())) {
      this.#fileSystem.unlink(this.#path)
      return
    }
    if (this.isSpent) this.#report('info', `there is room again: ${this.#path} is set aside`)
    this.#state = 'there'
  }

  async #write(): Promise<boolean> {
    const file = this.#fileSystem.open(this.#path, 'create')
    try {
      // Not zeros: some file systems give those no room.
      await file.write([Buffer.alloc(RESERVE_BYTES, 'odradek ')], 0)
      return true
    } catch (error) {
      if (FULL.has(systemErrorCode(error))) return false
      throw error
    } finally {
      file.close()
    }
  }
}
