/**
 * The disk as the broker sees it. Implementations: the real one, and one in memory that keeps synced and unsynced
 * bytes apart and can crash. Errors are those of Node (`error.code`: ENOENT, ENOSPC, EIO …).
 */
export interface FileSystem {
  /** Opens a file; `create` makes it when missing (and truncates nothing), `exclusive` fails with EEXIST when it is there. */
  open(path: string, mode: 'read' | 'write' | 'create' | 'exclusive'): File
  /** The whole file, or null when there is none. */
  readFile(path: string): Buffer | null
  exists(path: string): boolean
  /** Size in bytes and modification time, or null when missing. */
  stat(path: string): FileStat | null
  /** Names in a directory, sorted; empty when it is missing. */
  list(path: string): string[]
  makeDirectory(path: string): void
  rename(from: string, to: string): void
  /** Removes one file; a missing one is no error. */
  unlink(path: string): void
  /** The same off the event loop: to give a gigabyte back takes a file system some time. */
  removeFile(path: string): Promise<void>
  /** Sets the modification time of a file. */
  setModifiedMs(path: string, modifiedMs: number): void
  /** Removes a directory and what is in it, off the event loop. */
  removeDirectory(path: string): Promise<void>
  /** Makes names that were created, renamed or removed in a directory survive a power cut. */
  syncDirectory(path: string): Promise<void>
  /** Writes path.tmp, syncs it, renames it over path and syncs the directory: the old content or the new, never a mixture. */
  replaceFile(path: string, content: Buffer): Promise<void>
  /** How many descriptors this process may have, sockets included; null, or no method, where nobody says. */
  descriptorLimit?(): number | null
  /** Bytes of the file system that holds path, or null when unknown. */
  space(path: string): FileSystemSpace | null
  /** The same off the event loop: a file system on a network may take its time. */
  measureSpace(path: string): Promise<FileSystemSpace | null>
}

export interface FileSystemSpace {
  readonly totalBytes: number
  /** What an ordinary user may still fill: what is kept for root is neither free nor used. */
  readonly freeBytes: number
  readonly usedBytes: number
}

export interface FileStat {
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly directory: boolean
}

/** An open file. Positions are explicit: nothing here has a cursor. */
export interface File {
  readonly path: string
  sizeBytes(): number
  /** Bytes read; fewer than asked only at the end of the file. Blocks: for what is surely in the page cache. */
  readSync(target: Buffer, position: number): number
  read(target: Buffer, position: number): Promise<number>
  /** Writes all chunks at position, however many system calls it takes. */
  writeSync(chunks: readonly Buffer[], position: number): void
  write(chunks: readonly Buffer[], position: number): Promise<void>
  /** fdatasync: what was written before the call survives a power cut once it resolves. */
  sync(): Promise<void>
  syncNow(): void
  truncate(sizeBytes: number): void
  close(): void
}
