import type { FileSystem } from '../../io/file-system.ts'
import { copyFile, writeNewFile } from './file-copy.ts'
import { StorageError, systemErrorCode } from './storage-error.ts'

/** The files of a partition at one moment. Segments only grow from there on, or go as a whole. */
export interface PartitionCut {
  readonly name: string
  readonly files: readonly CutFile[]
}

interface CutFile {
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

export interface PartitionToCopy {
  readonly fileSystem: FileSystem
  /** Data directories. */
  readonly from: string
  readonly to: string
  /** A broker writes to it meanwhile. */
  readonly running: boolean
  /** Segments may be replaced by others of the same name. */
  readonly compacted: boolean
  readonly onBytes: (bytes: number) => void
}

/** Grow or go, and are named after an offset. */
const SEGMENT_FILE = /^(\d{20})\.(?:log|index|timeindex|txnindex|snapshot)$/
/** Replaced as a whole, so that what is read is always whole. */
const WHOLE_FILES = new Set(['partition.metadata', 'leader-epoch-checkpoint'])
/** Of a rewriting or a removal that is under way. */
const UNDER_WAY = /\.(?:swap|cleaned|deleted|tmp)$/

const ATTEMPTS = 20

export function cutPartition(fileSystem: FileSystem, directory: string, name: string): PartitionCut {
  const files: CutFile[] = []
  for (const file of fileSystem.list(`${directory}/${name}`)) {
    const stat = fileSystem.stat(`${directory}/${name}/${file}`)
    if (stat && !stat.directory) files.push({ name: file, sizeBytes: stat.sizeBytes, modifiedMs: stat.modifiedMs })
  }
  return { name, files }
}

export function bytesOf(cut: PartitionCut): number {
  return cut.files.reduce((sum, file) => sum + file.sizeBytes, 0)
}

/** Copies a partition as of a cut. False when that is no longer possible: files were replaced or removed meanwhile. */
export async function copyAsOf(request: PartitionToCopy, cut: PartitionCut): Promise<boolean> {
  const { fileSystem, from, to, running, onBytes } = request
  const target = `${to}/${cut.name}`
  const last = lastSegment(cut)
  fileSystem.makeDirectory(target)
  for (const { name, sizeBytes } of cut.files) {
    const source = { from: `${from}/${cut.name}/${name}`, to: `${target}/${name}` }
    try {
      if (SEGMENT_FILE.test(name) || (!running && !WHOLE_FILES.has(name))) {
        const wholeBatches = running && name === last
        await copyFile(fileSystem, { ...source, sizeBytes, wholeBatches }, onBytes)
      } else if (WHOLE_FILES.has(name)) {
        const content = fileSystem.readFile(source.from)
        if (content !== null) await writeNewFile(fileSystem, source.to, content)
        onBytes(sizeBytes)
      }
    } catch (error) {
      if (running && (systemErrorCode(error) === 'ENOENT' || error instanceof StorageError)) return false
      throw error
    }
  }
  await fileSystem.syncDirectory(target)
  const now = cutPartition(fileSystem, from, cut.name)
  return running ? isUnchanged(request, cut, now) : JSON.stringify(now) === JSON.stringify(cut)
}

/**
 * Copies a partition as of the cut or, where compaction or retention came in between, as of the earliest moment after
 * it that can be had. False when the partition is gone.
 */
export async function copyPartition(request: PartitionToCopy, cut: PartitionCut): Promise<boolean> {
  const { fileSystem, from, to, running } = request
  let wanted = cut
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (await copyAsOf(request, wanted)) return true
    if (!running) {
      throw new StorageError(
        `${from}/${cut.name} changed while it was copied: a broker runs that cannot be seen from here. ` +
          'Run the backup where it runs, or stop it first.',
      )
    }
    await fileSystem.removeDirectory(`${to}/${cut.name}`)
    const now = cutPartition(fileSystem, from, cut.name)
    if (now.files.length === 0) return false
    wanted = request.compacted ? now : notBehind(now, cut)
  }
  throw new StorageError(`${from}/${cut.name} changes too often to be copied; try again when less is going on`)
}

/** What is left of a cut after retention: old segments are gone, and the log still ends where it did. */
function notBehind(now: PartitionCut, cut: PartitionCut): PartitionCut {
  const last = lastSegment(cut)
  if (last === null || !now.files.some(({ name }) => name === last)) return now
  const sizes = new Map(cut.files.map(({ name, sizeBytes }) => [name, sizeBytes]))
  const kept = now.files.filter(({ name }) => !SEGMENT_FILE.test(name) || sizes.has(name))
  return { name: cut.name, files: kept.map((file) => ({ ...file, sizeBytes: sizes.get(file.name) ?? file.sizeBytes })) }
}

/** Nothing of the cut has been replaced or removed, and no such thing was under way. */
function isUnchanged({ compacted }: PartitionToCopy, cut: PartitionCut, now: PartitionCut): boolean {
  const last = lastSegment(cut)
  if (compacted && now.files.some(({ name }) => UNDER_WAY.test(name))) return false
  // What was written to may have been rewritten since it was closed.
  if (compacted && lastSegment(now) !== last) return false
  const after = new Map(now.files.map((file) => [file.name, file]))
  return cut.files.every(({ name, sizeBytes, modifiedMs }) => {
    if (!name.endsWith('.log') && !name.endsWith('index')) return true
    const file = after.get(name)
    if (file === undefined) return UNDER_WAY.test(name)
    if (last !== null && name.slice(0, 20) === last.slice(0, 20)) return file.sizeBytes >= sizeBytes
    return file.sizeBytes === sizeBytes && file.modifiedMs === modifiedMs
  })
}

function lastSegment(cut: PartitionCut): string | null {
  return cut.files.findLast(({ name }) => SEGMENT_FILE.test(name) && name.endsWith('.log'))?.name ?? null
}
