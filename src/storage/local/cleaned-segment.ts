import type { BatchHeader } from '../../../protocol/records/batch.ts'
import type { AbortedTransactionRange } from '../transaction-walk.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import { LogSegment, SEGMENT_FILES, segmentName } from './log-segment.ts'
import type { OpenFile } from './open-files.ts'

const STAGE_BYTES = 1024 * 1024

/** The segment that compaction writes in place of others: files ending in `.cleaned` until it takes their place. */
export class CleanedSegment {
  readonly segment: LogSegment
  readonly #context: LogContext
  readonly #log: Log
  readonly #file: OpenFile
  readonly #stage: Buffer
  #staged = 0
  #written = 0

  /** It stands for all of the sources. */
  constructor(context: LogContext, log: Log, sources: readonly LogSegment[]) {
    this.#context = context
    this.#log = log
    const { createdMs, jitterMs } = sources.at(-1)!
    const state = { baseOffset: sources[0]!.baseOffset, sizeBytes: 0, createdMs, jitterMs }
    this.segment = new LogSegment(state, () => log.files.directory)
    this.segment.pathSuffix = '.cleaned'
    this.#removeFiles()
    this.#file = context.files.acquire(this.segment.path('log'), 'create')
    this.#stage = context.readBuffers.take(STAGE_BYTES)
  }

  /** Takes a batch with its final offsets; the bytes are copied, or written when this resolves. */
  async append(header: BatchHeader, buffer: Buffer, at: number): Promise<void> {
    this.segment.noteBatch(header, this.#log.config['index.interval.bytes'])
    if (this.#staged + header.sizeBytes > STAGE_BYTES) await this.#flush()
    if (header.sizeBytes > STAGE_BYTES) {
      await this.#write(buffer.subarray(at, at + header.sizeBytes))
      return
    }
    buffer.copy(this.#stage, this.#staged, at, at + header.sizeBytes)
    this.#staged += header.sizeBytes
  }

  /** Everything is on the disk under the names ending in `.cleaned` when this resolves. */
  async finish(aborted: readonly AbortedTransactionRange[], modifiedMs: number): Promise<void> {
    const { files, fileSystem } = this.#context
    const { segment } = this
    await this.#flush()
    segment.finishTimeIndex()
    segment.transactions.entries.push(...aborted)
    // Also when it is empty: after a power cut its name says how far the exchange of the files had come.
    files.release(files.acquire(segment.path('txnindex'), 'create'))
    await segment.flushIndexes(files)
    await Promise.all(SEGMENT_FILES.map((suffix) => this.#sync(segment.path(suffix))))
    segment.writtenBytes = segment.sizeBytes
    fileSystem.setModifiedMs(segment.path('log'), modifiedMs)
    await fileSystem.syncDirectory(this.#log.files.directory)
  }

  /** Gives back what it holds; the files stay. */
  release(): void {
    this.#context.files.release(this.#file)
    this.#context.readBuffers.give(this.#stage)
  }

  /** After `release`, when it is not wanted. */
  discard(): void {
    if (this.#log.state !== 'dropped') this.#removeFiles()
  }

  #removeFiles(): void {
    for (const suffix of SEGMENT_FILES) {
      // By this name only: under any other they are part of the log.
      const path = `${this.#log.files.directory}/${segmentName(this.segment.baseOffset)}.${suffix}.cleaned`
      this.#context.files.forget(path)
      this.#context.fileSystem.unlink(path)
    }
  }

  async #flush(): Promise<void> {
    const staged = this.#staged
    this.#staged = 0
    if (staged > 0) await this.#write(this.#stage.subarray(0, staged))
  }

  async #write(bytes: Buffer): Promise<void> {
    await this.#file.file.write([bytes], this.#written)
    this.#written += bytes.length
  }

  async #sync(path: string): Promise<void> {
    const open = this.#context.files.acquire(path)
    try {
      await open.file.sync()
    } finally {
      this.#context.files.release(open)
    }
  }
}
