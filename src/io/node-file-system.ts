import fs from 'node:fs'
import path from 'node:path'
import type { File, FileStat, FileSystem, FileSystemSpace } from './file-system.ts'

/** IOV_MAX on Linux and macOS; Windows takes the list one by one. */
const CHUNKS_PER_CALL = 1024

class NodeFile implements File {
  readonly path: string
  readonly #descriptor: number
  #open = true

  constructor(filePath: string, descriptor: number) {
    this.path = filePath
    this.#descriptor = descriptor
  }

  sizeBytes(): number {
    return fs.fstatSync(this.#descriptor).size
  }

  readSync(target: Buffer, position: number): number {
    let filled = 0
    while (filled < target.length) {
      const count = fs.readSync(this.#descriptor, target, filled, target.length - filled, position + filled)
      if (count === 0) break
      filled += count
    }
    return filled
  }

  async read(target: Buffer, position: number): Promise<number> {
    let filled = 0
    while (filled < target.length) {
      const count = await this.#readOnce(target, filled, position + filled)
      if (count === 0) break
      filled += count
    }
    return filled
  }

  writeSync(chunks: readonly Buffer[], position: number): void {
    let rest = chunks
    let at = position
    while (rest.length > 0) {
      const only = rest[0]
      const written =
        rest.length === 1 && only
          ? fs.writeSync(this.#descriptor, only, 0, only.length, at)
          : fs.writevSync(this.#descriptor, rest.slice(0, CHUNKS_PER_CALL), at)
      at += written
      rest = after(rest, written)
    }
  }

  async write(chunks: readonly Buffer[], position: number): Promise<void> {
    let rest = chunks
    let at = position
    while (rest.length > 0) {
      const written = await this.#writeOnce(rest.slice(0, CHUNKS_PER_CALL), at)
      at += written
      rest = after(rest, written)
    }
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()))
    })
  }

  syncNow(): void {
    fs.fdatasyncSync(this.#descriptor)
  }

  truncate(sizeBytes: number): void {
    fs.ftruncateSync(this.#descriptor, sizeBytes)
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    fs.closeSync(this.#descriptor)
  }

  #readOnce(target: Buffer, filled: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#descriptor, target, filled, target.length - filled, position, (error, count) =>
        error ? reject(error) : resolve(count),
      )
    })
  }

  #writeOnce(chunks: readonly Buffer[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.#descriptor, chunks, position, (error, count) => (error ? reject(error) : resolve(count)))
    })
  }
}

/** What is left of the chunks after so many bytes were taken; a disk that is nearly full takes fewer than it was given. */
function after(chunks: readonly Buffer[], writtenBytes: number): readonly Buffer[] {
  let skip = writtenBytes
  for (let index = 0; index < chunks.length; index++) {
    const chunk = chunks[index]!
    if (skip < chunk.length) return [chunk.subarray(skip), ...chunks.slice(index + 1)]
    skip -= chunk.length
  }
  return []
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

const FLAGS = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
  exclusive: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
}

/** The real disk. */
export const nodeFileSystem: FileSystem = {
  open(filePath, mode): File {
    return new NodeFile(filePath, fs.openSync(filePath, FLAGS[mode], 0o644))
  },

  readFile(filePath): Buffer | null {
    // To ask costs a fifth of the exception: a topic of ten thousand new partitions misses as many files.
    if (!fs.existsSync(filePath)) return null
    try {
      return fs.readFileSync(filePath)
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  },

  exists: (filePath) => fs.existsSync(filePath),

  stat(filePath): FileStat | null {
    const stats = fs.statSync(filePath, { throwIfNoEntry: false })
    if (!stats) return null
    return { sizeBytes: stats.size, modifiedMs: stats.mtimeMs, directory: stats.isDirectory() }
  },

  list(directory): string[] {
    if (!fs.existsSync(directory)) return []
    try {
      return fs.readdirSync(directory).sort()
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  },

  makeDirectory(directory): void {
    fs.mkdirSync(directory, { recursive: true })
  },

  rename(from, to): void {
    fs.renameSync(from, to)
  },

  unlink(filePath): void {
    try {
      fs.unlinkSync(filePath)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  },

  removeFile: (filePath) => fs.promises.rm(filePath, { force: true }),

  setModifiedMs(filePath, modifiedMs): void {
    fs.utimesSync(filePath, modifiedMs / 1000, modifiedMs / 1000)
  },

  removeDirectory: (directory) => fs.promises.rm(directory, { recursive: true, force: true }),

  async syncDirectory(directory): Promise<void> {
    // Windows opens no directories; NTFS journals its names by itself.
    if (process.platform === 'win32') return
    const handle = await fs.promises.open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },

  async replaceFile(filePath, content): Promise<void> {
    const temporary = `${filePath}.tmp`
    const handle = await fs.promises.open(temporary, 'w', 0o644)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await fs.promises.rename(temporary, filePath)
    await nodeFileSystem.syncDirectory(path.dirname(filePath))
  },

  descriptorLimit(): number | null {
    // Linux; elsewhere Node has raised the limit as far as it goes, and tells nobody.
    const limits = nodeFileSystem.readFile('/proc/self/limits')?.toString('latin1') ?? ''
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
    return soft === undefined ? null : Number(soft)
  },

  space(directory): FileSystemSpace | null {
    try {
      return spaceOf(fs.statfsSync(directory))
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  },

  async measureSpace(directory): Promise<FileSystemSpace | null> {
    try {
      return spaceOf(await fs.promises.statfs(directory))
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  },
}

function spaceOf({ blocks, bfree, bavail, bsize }: fs.StatsFs): FileSystemSpace {
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, usedBytes: (blocks - bfree) * bsize }
}
