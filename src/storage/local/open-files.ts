import type { File, FileSystem } from '../../io/file-system.ts'

/** An open file that stays open at least until it is released. */
export interface OpenFile {
  readonly path: string
  readonly file: File
  users: number
  /** No longer in the table: closed by its last user. */
  forgotten: boolean
}

/** More makes nothing faster that is not slow already. */
const MOST_OPEN_FILES = 4096
/** Where nobody knows the limit of the process. */
const USUAL_OPEN_FILES = 1000

/** The other half is for sockets, and for what else a process opens. */
export function defaultOpenFileLimit(fileSystem: FileSystem): number {
  const descriptors = fileSystem.descriptorLimit?.() ?? null
  return descriptors === null ? USUAL_OPEN_FILES : Math.min(MOST_OPEN_FILES, Math.floor(descriptors / 2))
}

/**
 * The files that are open, the least recently used of them closed once there are too many: ten thousand partitions
 * must not need ten thousand descriptors. What somebody uses is never closed, so the limit may be exceeded for a while.
 */
export class OpenFiles {
  readonly #fileSystem: FileSystem
  readonly #limit: number
  /** In order of last use. */
  readonly #files = new Map<string, OpenFile>()
  /** Paths by their directory: a topic of ten thousand partitions is deleted one directory after the other. */
  readonly #byDirectory = new Map<string, Set<string>>()

  constructor(fileSystem: FileSystem, limit: number) {
    this.#fileSystem = fileSystem
    this.#limit = limit
  }

  get count(): number {
    return this.#files.size
  }

  acquire(path: string, mode: 'write' | 'create' = 'write'): OpenFile {
    let open = this.#files.get(path)
    if (open) this.#files.delete(path)
    else {
      this.#evict()
      open = { path, file: this.#fileSystem.open(path, mode), users: 0, forgotten: false }
      this.#list(path)
    }
    this.#files.set(path, open)
    open.users++
    return open
  }

  release(open: OpenFile): void {
    open.users--
    if (open.users > 0) return
    if (open.forgotten) open.file.close()
    else if (this.#files.size > this.#limit) this.forget(open.path)
  }

  /** The name is about to mean something else: the file is closed as soon as nobody uses it. */
  forget(path: string): void {
    const open = this.#files.get(path)
    if (!open) return
    this.#files.delete(path)
    this.#unlist(path)
    open.forgotten = true
    if (open.users === 0) open.file.close()
  }

  forgetDirectory(directory: string): void {
    for (const path of [...(this.#byDirectory.get(directory) ?? [])]) this.forget(path)
  }

  closeAll(): void {
    for (const path of [...this.#files.keys()]) this.forget(path)
  }

  #list(path: string): void {
    const directory = directoryOf(path)
    const paths = this.#byDirectory.get(directory)
    if (paths) paths.add(path)
    else this.#byDirectory.set(directory, new Set([path]))
  }

  #unlist(path: string): void {
    const directory = directoryOf(path)
    const paths = this.#byDirectory.get(directory)
    paths?.delete(path)
    if (paths?.size === 0) this.#byDirectory.delete(directory)
  }

  #evict(): void {
    if (this.#files.size < this.#limit) return
    for (const [path, open] of this.#files) {
      if (open.users > 0) continue
      this.forget(path)
      if (this.#files.size < this.#limit) return
    }
  }
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
