import path from 'node:path'
import type { File, FileStat, FileSystem, FileSystemSpace } from './file-system.ts'
import { errorWith, type SimulatedDisk, type SimulatedFault, SimulatedFile } from './simulated-file.ts'
import { SimulatedInode } from './simulated-inode.ts'
import { SimulatedRandom } from './simulated-random.ts'

export type { SimulatedFault }

export interface SimulatedFileSystemOptions {
  /** Bytes of content the disk holds before writes fail with ENOSPC. */
  readonly capacityBytes?: number
  /** Keeps unsynced changes apart so that `crash` works; false halves the memory of an in-memory broker. Default true. */
  readonly crashable?: boolean
  /** Makes every sync a lie. A test that still passes with this on proves nothing about durability. */
  readonly ignoresSync?: boolean
  /** Delays each asynchronous operation; the default lets other promises run first. */
  readonly latency?: (operation: 'read' | 'write' | 'sync') => Promise<void>
  readonly nowMs?: () => number
}

interface Directory {
  readonly kind: 'directory'
  readonly entries: Map<string, Node>
  readonly durable: Map<string, Node>
  /** Names changed since the last sync of this directory; each change is atomic. */
  pending: NameChange[]
}

type Node = Directory | SimulatedInode
type NameChange = readonly (readonly [name: string, node: Node | null])[]

function newDirectory(): Directory {
  return { kind: 'directory', entries: new Map(), durable: new Map(), pending: [] }
}

/** A disk in memory. What was not synced may be lost, torn or reordered by `crash`, as a power cut would. */
export class SimulatedFileSystem implements FileSystem, SimulatedDisk {
  readonly options: SimulatedFileSystemOptions
  readonly faults: SimulatedFault[] = []
  /** Operations counted by kind, for tests that assert how much work a path does. */
  readonly operations = { open: 0, read: 0, readSync: 0, write: 0, writeSync: 0, sync: 0, syncDirectory: 0 }
  #root: Directory
  #dead = false
  #usedBytes = 0
  #openFiles = 0
  #openFilesAtMost = 0

  constructor(options: SimulatedFileSystemOptions = {}, root: Directory = newDirectory()) {
    this.options = options
    this.#root = root
    this.#usedBytes = contentBytes(root)
  }

  get ignoresSync(): boolean {
    return this.options.ignoresSync === true
  }

  get alive(): boolean {
    return !this.#dead
  }

  get openFiles(): number {
    return this.#openFiles
  }

  get openFilesAtMost(): number {
    return this.#openFilesAtMost
  }

  open(filePath: string, mode: 'read' | 'write' | 'create' | 'exclusive'): File {
    this.enter('open', filePath)
    this.operations.open++
    const [parent, name] = this.#parentOf(filePath)
    let node = parent.entries.get(name)
    if (node && mode === 'exclusive') throw errorWith('EEXIST', 'open', filePath)
    if (!node) {
      if (mode === 'read' || mode === 'write') throw errorWith('ENOENT', 'open', filePath)
      node = new SimulatedInode(this.options.crashable !== false, this.#now())
      this.#change(parent, [[name, node]])
    }
    if (node.kind === 'directory') throw errorWith('EISDIR', 'open', filePath)
    this.#openFiles++
    this.#openFilesAtMost = Math.max(this.#openFilesAtMost, this.#openFiles)
    return new SimulatedFile(this, filePath, node, () => this.#openFiles--)
  }

  readFile(filePath: string): Buffer | null {
    this.enter('read', filePath)
    const node = this.#find(filePath)
    if (!node) return null
    if (node.kind === 'directory') throw errorWith('EISDIR', 'read', filePath)
    const content = Buffer.alloc(node.sizeBytes)
    node.read(content, 0)
    return content
  }

  exists(filePath: string): boolean {
    this.enter('open', filePath)
    return this.#find(filePath) !== null
  }

  stat(filePath: string): FileStat | null {
    this.enter('open', filePath)
    const node = this.#find(filePath)
    if (!node) return null
    if (node.kind === 'directory') return { sizeBytes: 0, modifiedMs: 0, directory: true }
    return { sizeBytes: node.sizeBytes, modifiedMs: node.modifiedMs, directory: false }
  }

  list(directory: string): string[] {
    this.enter('open', directory)
    const node = this.#find(directory)
    return node?.kind === 'directory' ? [...node.entries.keys()].sort() : []
  }

  makeDirectory(directory: string): void {
    this.enter('open', directory)
    let current = this.#root
    for (const name of segmentsOf(directory)) {
      let next = current.entries.get(name)
      if (!next) {
        next = newDirectory()
        this.#change(current, [[name, next]])
      }
      if (next.kind !== 'directory') throw errorWith('ENOTDIR', 'mkdir', directory)
      current = next
    }
  }

  rename(from: string, to: string): void {
    this.enter('rename', from)
    const [fromParent, fromName] = this.#parentOf(from)
    const [toParent, toName] = this.#parentOf(to)
    const node = fromParent.entries.get(fromName)
    if (!node) throw errorWith('ENOENT', 'rename', from)
    if (fromParent === toParent) {
      this.#change(fromParent, [
        [fromName, null],
        [toName, node],
      ])
      return
    }
    this.#change(toParent, [[toName, node]])
    this.#change(fromParent, [[fromName, null]])
  }

  unlink(filePath: string): void {
    this.enter('open', filePath)
    const [parent, name] = this.#parentOf(filePath)
    const node = parent.entries.get(name)
    if (!node) return
    if (node.kind !== 'directory') this.#usedBytes -= node.sizeBytes
    this.#change(parent, [[name, null]])
  }

  async removeFile(filePath: string): Promise<void> {
    await this.pause('write', filePath)
    if (this.#find(filePath)) this.unlink(filePath)
  }

  setModifiedMs(filePath: string, modifiedMs: number): void {
    this.enter('open', filePath)
    const node = this.#find(filePath)
    if (node?.kind !== 'file') throw errorWith('ENOENT', 'utimes', filePath)
    node.modifiedMs = modifiedMs
  }

  async removeDirectory(directory: string): Promise<void> {
    await this.pause('write', directory)
    const node = this.#find(directory)
    if (!node) return
    this.#usedBytes -= contentBytes(node)
    const [parent, name] = this.#parentOf(directory)
    this.#change(parent, [[name, null]])
  }

  async syncDirectory(directory: string): Promise<void> {
    this.operations.syncDirectory++
    const node = this.#find(directory)
    if (node?.kind !== 'directory') throw errorWith('ENOENT', 'fsync', directory)
    const reached = node.pending.length
    await this.pause('sync', directory)
    if (this.ignoresSync) return
    for (const change of node.pending.splice(0, reached)) applyNames(node.durable, change)
  }

  async replaceFile(filePath: string, content: Buffer): Promise<void> {
    const temporary = `${filePath}.tmp`
    const file = this.open(temporary, 'create')
    try {
      file.truncate(0)
      await file.write([content], 0)
      await file.sync()
    } finally {
      file.close()
    }
    this.rename(temporary, filePath)
    await this.syncDirectory(path.posix.dirname(filePath))
  }

  space(): FileSystemSpace | null {
    const totalBytes = this.options.capacityBytes
    if (totalBytes === undefined) return null
    return { totalBytes, freeBytes: Math.max(0, totalBytes - this.#usedBytes), usedBytes: this.#usedBytes }
  }

  async measureSpace(directory: string): Promise<FileSystemSpace | null> {
    await this.pause('read', directory)
    return this.space()
  }

  /** The disk as a process finds it that starts after this one was killed: all that was written, synced or not. */
  kill(): SimulatedFileSystem {
    this.#dead = true
    forgetInFlight(this.#root)
    return new SimulatedFileSystem(this.options, this.#root)
  }

  /**
   * The disk after a power cut: what was synced, and of the rest whatever the seed lets through: nothing, everything, a
   * prefix, or any subset. Each write may be torn.
   */
  crash(seed: number): SimulatedFileSystem {
    this.#dead = true
    const random = new SimulatedRandom(seed)
    crashDirectory(this.#root, random)
    return new SimulatedFileSystem(this.options, this.#root)
  }

  enter(operation: SimulatedFault['operation'], filePath: string): void {
    if (this.#dead) throw errorWith('EIO', `${operation} after the end of the process`, filePath)
    const index = this.faults.findIndex((fault) => fault.operation === operation && filePath.includes(fault.path ?? ''))
    const fault = this.faults[index]
    if (!fault) return
    fault.times = (fault.times ?? 1) - 1
    if (fault.times <= 0) this.faults.splice(index, 1)
    throw errorWith(fault.code, operation, filePath)
  }

  async pause(operation: 'read' | 'write' | 'sync', filePath: string): Promise<void> {
    await (this.options.latency ?? nextMicrotask)(operation)
    if (this.#dead) await new Promise<never>(() => {})
    this.enter(operation, filePath)
  }

  reserve(inode: SimulatedInode, bytes: number, position: number): number {
    const growth = Math.max(0, position + bytes - inode.sizeBytes)
    const room = (this.options.capacityBytes ?? Number.POSITIVE_INFINITY) - this.#usedBytes
    const granted = growth <= room ? bytes : Math.max(0, bytes - (growth - Math.max(0, room)))
    this.#usedBytes += Math.max(0, position + granted - inode.sizeBytes)
    return granted
  }

  released(bytes: number): void {
    this.#usedBytes -= bytes
  }

  nowMs(): number {
    return this.#now()
  }

  #now(): number {
    return this.options.nowMs?.() ?? 0
  }

  #find(filePath: string): Node | null {
    let current: Node = this.#root
    for (const name of segmentsOf(filePath)) {
      const next: Node | undefined = current.kind === 'directory' ? current.entries.get(name) : undefined
      if (!next) return null
      current = next
    }
    return current
  }

  #parentOf(filePath: string): [Directory, string] {
    const names = segmentsOf(filePath)
    const name = names.pop()
    const parent = this.#find(names.join('/'))
    if (name === undefined || parent?.kind !== 'directory') throw errorWith('ENOENT', 'open', filePath)
    return [parent, name]
  }

  #change(directory: Directory, change: NameChange): void {
    for (const [name, node] of change) {
      const replaced = directory.entries.get(name)
      if (node && replaced && replaced !== node && replaced.kind !== 'directory') this.#usedBytes -= replaced.sizeBytes
    }
    applyNames(directory.entries, change)
    if (this.options.crashable !== false) directory.pending.push(change)
  }
}

function segmentsOf(filePath: string): string[] {
  return path.posix
    .normalize(filePath.replaceAll('\\', '/'))
    .split('/')
    .filter((name) => name !== '' && name !== '.')
}

function nextMicrotask(): Promise<void> {
  return Promise.resolve()
}

function applyNames(entries: Map<string, Node>, change: NameChange): void {
  for (const [name, node] of change) {
    if (node) entries.set(name, node)
    else entries.delete(name)
  }
}

function contentBytes(node: Node): number {
  if (node.kind !== 'directory') return node.sizeBytes
  let total = 0
  for (const child of node.entries.values()) total += contentBytes(child)
  return total
}

/** Writes of a dead process that had not happened yet never will. */
function forgetInFlight(node: Node): void {
  if (node.kind === 'file') node.inFlight.clear()
  else for (const child of node.entries.values()) forgetInFlight(child)
}

function crashDirectory(directory: Directory, random: SimulatedRandom): void {
  for (const change of survivors(directory.pending, random)) applyNames(directory.durable, change)
  directory.pending = []
  directory.entries.clear()
  for (const [name, node] of directory.durable) directory.entries.set(name, node)
  for (const node of directory.entries.values()) {
    if (node.kind === 'directory') crashDirectory(node, random)
    else node.crash(survivors(node.unsynced(), random), random)
  }
}

/** What a power cut leaves of changes that were not synced. */
function survivors<Change>(changes: readonly Change[], random: SimulatedRandom): Change[] {
  const mode = random.below(4)
  if (mode === 0) return []
  if (mode === 1) return [...changes]
  if (mode === 2) return changes.slice(0, random.below(changes.length + 1))
  return changes.filter(() => random.below(2) === 0)
}
