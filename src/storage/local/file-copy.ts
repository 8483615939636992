import { batchSizeBytes, CURRENT_MAGIC, LOG_OVERHEAD_BYTES, MAGIC_AT, magic } from '../../../protocol/records/batch.ts'
import type { File, FileSystem } from '../../io/file-system.ts'
import { StorageError } from './storage-error.ts'

const CHUNK_BYTES = 1024 * 1024

export interface FileToCopy {
  readonly from: File
  readonly to: string
  /** The copy ends there; the file may be longer by now. */
  readonly sizeBytes: number
  /** The copy of a segment that is being written to ends with its last whole batch. */
  readonly wholeBatches: boolean
}

/** Copies the first bytes of a file and syncs the copy. */
export async function copyFile(
  fileSystem: FileSystem,
  { from, to, sizeBytes, wholeBatches }: FileToCopy,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const target = fileSystem.open(to, 'exclusive')
  try {
    const border = new BatchBorder()
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, Math.max(1, sizeBytes)))
    for (let position = 0; position < sizeBytes; ) {
      const chunk = buffer.subarray(0, Math.min(buffer.length, sizeBytes - position))
      const filled = await naming(from.path, from.read(chunk, position))
      if (filled < chunk.length) throw new StorageError(`${from.path} became shorter while it was copied`)
      await naming(to, target.write([chunk], position))
      if (wholeBatches) border.take(chunk, position)
      position += filled
      onBytes(filled)
    }
    const end = wholeBatches ? border.before(sizeBytes) : sizeBytes
    if (end < sizeBytes) target.truncate(end)
    await naming(to, target.sync())
  } finally {
    target.close()
  }
}

/** Writes a new file whole and syncs it. */
export async function writeNewFile(fileSystem: FileSystem, path: string, content: Buffer): Promise<void> {
  const file = fileSystem.open(path, 'exclusive')
  try {
    if (content.length > 0) await file.write([content], 0)
    await file.sync()
  } finally {
    file.close()
  }
}

/** A system call on an open file does not say of which when it fails. */
async function naming<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && !('path' in error)) Object.assign(error, { path })
    throw error
  }
}

const HEADER_BYTES = MAGIC_AT + 1

/** Where the last whole batch of a segment ends, found while its bytes go by. */
class BatchBorder {
  /** Begin of the last batch that was seen, and of the one behind it. */
  #last = 0
  #next = 0
  /** The front part of a header that the chunks cut in two. */
  #carry: Buffer = Buffer.alloc(0)
  #broken = false

  take(chunk: Buffer, position: number): void {
    while (!this.#broken && this.#next < position + chunk.length) {
      const at = this.#next - position
      const missing = HEADER_BYTES - this.#carry.length
      const header =
        at < 0
          ? Buffer.concat([this.#carry, chunk.subarray(0, missing)])
          : Buffer.from(chunk.subarray(at, at + HEADER_BYTES))
      if (header.length < HEADER_BYTES) {
        this.#carry = header
        return
      }
      this.#carry = Buffer.alloc(0)
      const sizeBytes = batchSizeBytes(header, 0)
      if (magic(header, 0) !== CURRENT_MAGIC || sizeBytes <= LOG_OVERHEAD_BYTES) this.#broken = true
      this.#last = this.#next
      this.#next += sizeBytes
    }
  }

  /** Everything where no batches were found: damage is copied as it is, for `verify` and recovery to name. */
  before(sizeBytes: number): number {
    if (this.#broken || this.#next === sizeBytes) return sizeBytes
    return this.#next < sizeBytes ? this.#next : this.#last
  }
}
