import type { File, FileStat, FileSystem, FileSystemSpace } from '../../src/io/file-system.ts'

/** Ends the process that uses it at one of its disk operations, also in the middle of what has no await in between. */
export class FusedFileSystem implements FileSystem {
  readonly #disk: FileSystem
  readonly #blown: () => void
  #operationsLeft = Number.POSITIVE_INFINITY
  /** Open files, and files being replaced. */
  readonly #open = new Set<{ readonly path: string }>()

  constructor(disk: FileSystem, blown: () => void) {
    this.#disk = disk
    this.#blown = blown
  }

  get openPaths(): readonly string[] {
    return [...this.#open].map(({ path }) => path)
  }

  closed(file: { readonly path: string }): void {
    this.#open.delete(file)
  }

  /** The process dies when it begins the operation after so many others. */
  light(operationsLeft: number): void {
    this.#operationsLeft = operationsLeft
  }

  /** True for the operation that never comes to its end. */
  burn(): boolean {
    return this.#operationsLeft-- === 0
  }

  die(): void {
    this.#blown()
  }

  open(path: string, mode: 'read' | 'write' | 'create' | 'exclusive'): File {
    const opened = this.#before(() => this.#disk.open(path, mode))
    const file = new FusedFile(this, opened)
    this.#open.add(file)
    return file
  }

  readFile(path: string): Buffer | null {
    return this.#disk.readFile(path)
  }

  exists(path: string): boolean {
    return this.#disk.exists(path)
  }

  stat(path: string): FileStat | null {
    return this.#disk.stat(path)
  }

  list(path: string): string[] {
    return this.#disk.list(path)
  }

  makeDirectory(path: string): void {
    this.#before(() => this.#disk.makeDirectory(path))
  }

  rename(from: string, to: string): void {
    this.#before(() => this.#disk.rename(from, to))
  }

  unlink(path: string): void {
    this.#before(() => this.#disk.unlink(path))
  }

  removeFile(path: string): Promise<void> {
    return this.#before(() => this.#disk.removeFile(path))
  }

  setModifiedMs(path: string, modifiedMs: number): void {
    this.#before(() => this.#disk.setModifiedMs(path, modifiedMs))
  }

  removeDirectory(path: string): Promise<void> {
    return this.#before(() => this.#disk.removeDirectory(path))
  }

  syncDirectory(path: string): Promise<void> {
    return this.#before(() => this.#disk.syncDirectory(path))
  }

  async replaceFile(path: string, content: Buffer): Promise<void> {
    const replaced = { path }
    this.#open.add(replaced)
    try {
      await this.#before(() => this.#disk.replaceFile(path, content))
    } finally {
      this.#open.delete(replaced)
    }
  }

  space(path: string): FileSystemSpace | null {
    return this.#disk.space(path)
  }

  measureSpace(path: string): Promise<FileSystemSpace | null> {
    return this.#before(() => this.#disk.measureSpace(path))
  }

  #before<T>(operation: () => T): T {
    if (this.burn()) this.die()
    return operation()
  }
}

class FusedFile implements File {
  readonly path: string
  readonly #system: FusedFileSystem
  readonly #file: File

  constructor(system: FusedFileSystem, file: File) {
    this.#system = system
    this.#file = file
    this.path = file.path
  }

  sizeBytes(): number {
    return this.#file.sizeBytes()
  }

  readSync(target: Buffer, position: number): number {
    return this.#file.readSync(target, position)
  }

  read(target: Buffer, position: number): Promise<number> {
    return this.#file.read(target, position)
  }

  writeSync(chunks: readonly Buffer[], position: number): void {
    if (this.#system.burn()) {
      // A write that a signal cuts short leaves a part of itself.
      const whole = Buffer.concat(chunks)
      this.#file.writeSync([whole.subarray(0, whole.length >> 1)], position)
      this.#system.die()
    }
    this.#file.writeSync(chunks, position)
  }

  write(chunks: readonly Buffer[], position: number): Promise<void> {
    this.#before()
    return this.#file.write(chunks, position)
  }

  sync(): Promise<void> {
    this.#before()
    return this.#file.sync()
  }

  syncNow(): void {
    this.#before()
    this.#file.syncNow()
  }

  truncate(sizeBytes: number): void {
    this.#before()
    this.#file.truncate(sizeBytes)
  }

  close(): void {
    this.#system.closed(this)
    this.#file.close()
  }

  #before(): void {
    if (this.#system.burn()) this.#system.die()
  }
}
