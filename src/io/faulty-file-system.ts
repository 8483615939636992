import { constants } from 'node:os'
import { DISK_ERRORS, type DiskErrorCode, type DiskFate, type DiskFaults, type DiskOperation } from './disk-faults.ts'
import type { File, FileStat, FileSystem, FileSystemSpace } from './file-system.ts'

type OpenMode = Parameters<FileSystem['open']>[1]

/**
 * A disk on which things go wrong as rules say. What is synchronous is held up by stopping the thread. Questions about
 * what exists, how large it is and how much room there is are always answered.
 */
export class FaultyFileSystem implements FileSystem {
  readonly faults: DiskFaults
  readonly #disk: FileSystem

  constructor(disk: FileSystem, faults: DiskFaults) {
    this.#disk = disk
    this.faults = faults
  }

  open(path: string, mode: OpenMode): File {
    meetNow(this.faults, 'open', path)
    return new FaultyFile(this.#disk.open(path, mode), this.faults)
  }

  readFile(path: string): Buffer | null {
    meetNow(this.faults, 'read', path)
    return this.#disk.readFile(path)
  }

  exists(path: string): boolean {
    return this.#disk.exists(path)
  }

  stat(path: string): FileStat | null {
    return this.#disk.stat(path)
  }

  list(path: string): string[] {
    meetNow(this.faults, 'list', path)
    return this.#disk.list(path)
  }

  makeDirectory(path: string): void {
    meetNow(this.faults, 'make-directory', path)
    this.#disk.makeDirectory(path)
  }

  rename(from: string, to: string): void {
    meetNow(this.faults, 'rename', from)
    this.#disk.rename(from, to)
  }

  unlink(path: string): void {
    meetNow(this.faults, 'remove', path)
    this.#disk.unlink(path)
  }

  removeFile(path: string): Promise<void> {
    return this.#later('remove', path, () => this.#disk.removeFile(path))
  }

  setModifiedMs(path: string, modifiedMs: number): void {
    this.#disk.setModifiedMs(path, modifiedMs)
  }

  removeDirectory(path: string): Promise<void> {
    return this.#later('remove', path, () => this.#disk.removeDirectory(path))
  }

  syncDirectory(path: string): Promise<void> {
    return this.#later('sync', path, () => this.#disk.syncDirectory(path))
  }

  /** A write, a sync and a rename of the path; a torn write is one of the file beside it. */
  async replaceFile(path: string, content: Buffer): Promise<void> {
    if (this.faults.active) {
      const torn = await meet(this.faults, 'write', path)
      if (torn !== null) {
        const file = this.#disk.open(`${path}.tmp`, 'create')
        try {
          file.truncate(0)
          await file.write(frontOf([content], torn), 0)
        } finally {
          file.close()
        }
        throw systemError(torn.errorCode, 'write', path)
      }
      await meet(this.faults, 'sync', path)
      await meet(this.faults, 'rename', path)
    }
    await this.#disk.replaceFile(path, content)
  }

  space(path: string): FileSystemSpace | null {
    return this.#disk.space(path)
  }

  measureSpace(path: string): Promise<FileSystemSpace | null> {
    return this.#disk.measureSpace(path)
  }

  #later<T>(operation: DiskOperation, path: string, run: () => Promise<T>): Promise<T> {
    return this.faults.active ? meet(this.faults, operation, path).then(run) : run()
  }
}

class FaultyFile implements File {
  readonly path: string
  readonly #file: File
  readonly #faults: DiskFaults

  constructor(file: File, faults: DiskFaults) {
    this.#file = file
    this.#faults = faults
    this.path = file.path
  }

  sizeBytes(): number {
    return this.#file.sizeBytes()
  }

  readSync(target: Buffer, position: number): number {
    meetNow(this.#faults, 'read', this.path)
    return this.#file.readSync(target, position)
  }

  read(target: Buffer, position: number): Promise<number> {
    if (!this.#faults.active) return this.#file.read(target, position)
    return meet(this.#faults, 'read', this.path).then(() => this.#file.read(target, position))
  }

  writeSync(chunks: readonly Buffer[], position: number): void {
    const torn = meetNow(this.#faults, 'write', this.path)
    if (torn === null) {
      this.#file.writeSync(chunks, position)
      return
    }
    this.#file.writeSync(frontOf(chunks, torn), position)
    throw systemError(torn.errorCode, 'write', this.path)
  }

  write(chunks: readonly Buffer[], position: number): Promise<void> {
    return this.#faults.active ? this.#writeLater(chunks, position) : this.#file.write(chunks, position)
  }

  sync(): Promise<void> {
    if (!this.#faults.active) return this.#file.sync()
    return meet(this.#faults, 'sync', this.path).then(() => this.#file.sync())
  }

  syncNow(): void {
    meetNow(this.#faults, 'sync', this.path)
    this.#file.syncNow()
  }

  truncate(sizeBytes: number): void {
    meetNow(this.#faults, 'truncate', this.path)
    this.#file.truncate(sizeBytes)
  }

  close(): void {
    this.#file.close()
  }

  async #writeLater(chunks: readonly Buffer[], position: number): Promise<void> {
    const torn = await meet(this.#faults, 'write', this.path)
    if (torn === null) return this.#file.write(chunks, position)
    await this.#file.write(frontOf(chunks, torn), position)
    throw systemError(torn.errorCode, 'write', this.path)
  }
}

type Torn = Extract<DiskFate['effect'], { kind: 'torn' }>

/** What comes before a synchronous operation: nothing, a standstill, its failure, or how a write is torn. */
function meetNow(faults: DiskFaults, operation: DiskOperation, path: string): Torn | null {
  if (!faults.active) return null
  const { delayMs, effect } = faults.take(operation, path)
  if (delayMs > 0) faults.block(delayMs)
  return orThrow(effect, operation, path)
}

async function meet(faults: DiskFaults, operation: DiskOperation, path: string): Promise<Torn | null> {
  const { delayMs, effect } = faults.take(operation, path)
  if (delayMs > 0) await new Promise<void>((resolve) => void faults.clock.schedule(delayMs, resolve))
  return orThrow(effect, operation, path)
}

function orThrow(effect: DiskFate['effect'], operation: DiskOperation, path: string): Torn | null {
  if (effect?.kind === 'error') throw systemError(effect.errorCode, operation, path)
  return effect
}

/** At least a byte is missing. */
function frontOf(chunks: readonly Buffer[], { cut }: Torn): Buffer[] {
  const whole = Buffer.concat(chunks)
  return [whole.subarray(0, whole.length === 0 ? 0 : cut.below(whole.length))]
}

const SYSTEM_CALLS: Readonly<Record<DiskOperation, string>> = {
  open: 'open',
  read: 'read',
  write: 'write',
  sync: 'fdatasync',
  truncate: 'ftruncate',
  rename: 'rename',
  remove: 'unlink',
  list: 'scandir',
  'make-directory': 'mkdir',
}

/** As Node makes them. */
function systemError(code: DiskErrorCode, operation: DiskOperation, path: string): Error {
  const syscall = SYSTEM_CALLS[operation]
  const message = `${code}: ${DISK_ERRORS[code]}, ${syscall} '${path}'`
  return Object.assign(new Error(message), { code, syscall, path, errno: -constants.errno[code] })
}
