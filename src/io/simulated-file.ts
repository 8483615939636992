import type { File } from './file-system.ts'
import type { FileChange, SimulatedInode } from './simulated-inode.ts'

/** A fault to raise instead of the next matching operations. */
export interface SimulatedFault {
  readonly operation: 'open' | 'read' | 'write' | 'sync' | 'rename'
  readonly code: 'EIO' | 'ENOSPC'
  /** Part of the path; every file when absent. */
  readonly path?: string
  /** How often it strikes; default once. */
  times?: number
}

/** What an open file needs of the disk it lies on. */
export interface SimulatedDisk {
  readonly operations: { read: number; readSync: number; write: number; writeSync: number; sync: number }
  /** False once the process that uses this object was killed or lost its power. */
  readonly alive: boolean
  readonly ignoresSync: boolean
  /** Fails when this process is dead or a fault is armed. */
  enter(operation: SimulatedFault['operation'], filePath: string): void
  /** Waits as an asynchronous operation would; never comes back to a process that has died meanwhile. */
  pause(operation: 'read' | 'write' | 'sync', filePath: string): Promise<void>
  /** Takes room for a write and says how much of it fits: that part is kept, as on a real disk. */
  reserve(inode: SimulatedInode, bytes: number, position: number): number
  released(bytes: number): void
  nowMs(): number
}

/** An error as Node makes it. */
export function errorWith(code: string, operation: string, filePath: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${filePath}'`), { code, path: filePath })
}

export class SimulatedFile implements File {
  readonly path: string
  readonly #disk: SimulatedDisk
  readonly #inode: SimulatedInode
  readonly #closed: () => void
  #open = true

  constructor(disk: SimulatedDisk, filePath: string, inode: SimulatedInode, closed: () => void) {
    this.path = filePath
    this.#disk = disk
    this.#inode = inode
    this.#closed = closed
  }

  sizeBytes(): number {
    this.#enter('open')
    return this.#inode.sizeBytes
  }

  readSync(target: Buffer, position: number): number {
    this.#enter('read')
    this.#disk.operations.readSync++
    return this.#inode.read(target, position)
  }

  async read(target: Buffer, position: number): Promise<number> {
    this.#disk.operations.read++
    await this.#disk.pause('read', this.path)
    return this.#inode.read(target, position)
  }

  writeSync(chunks: readonly Buffer[], position: number): void {
    this.#enter('write')
    this.#disk.operations.writeSync++
    this.#store(chunks, position)
  }

  async write(chunks: readonly Buffer[], position: number): Promise<void> {
    this.#disk.operations.write++
    const inFlight: FileChange = { kind: 'write', position, data: Buffer.concat(chunks) }
    if (this.#disk.alive) this.#inode.inFlight.add(inFlight)
    await this.#disk.pause('write', this.path).finally(() => this.#inode.inFlight.delete(inFlight))
    this.#enter('write')
    this.#store(chunks, position)
  }

  async sync(): Promise<void> {
    this.#disk.operations.sync++
    const reached = this.#inode.changeCount
    await this.#disk.pause('sync', this.path)
    if (!this.#disk.ignoresSync) this.#inode.makeDurable(reached)
  }

  syncNow(): void {
    this.#enter('sync')
    this.#disk.operations.sync++
    if (!this.#disk.ignoresSync) this.#inode.makeDurable(this.#inode.changeCount)
  }

  truncate(sizeBytes: number): void {
    this.#enter('write')
    this.#disk.released(Math.max(0, this.#inode.sizeBytes - sizeBytes))
    this.#inode.truncate(sizeBytes, this.#disk.nowMs())
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#closed()
  }

  #enter(operation: SimulatedFault['operation']): void {
    if (!this.#open) throw errorWith('EBADF', operation, this.path)
    this.#disk.enter(operation, this.path)
  }

  #store(chunks: readonly Buffer[], position: number): void {
    let at = position
    for (const chunk of chunks) {
      const granted = this.#disk.reserve(this.#inode, chunk.length, at)
      this.#inode.write(granted === chunk.length ? chunk : chunk.subarray(0, granted), at, this.#disk.nowMs())
      if (granted < chunk.length) throw errorWith('ENOSPC', 'write', this.path)
      at += chunk.length
    }
  }
}
