import type { File, FileSystem } from '../../io/file-system.ts'
import { copyFile, writeNewFile } from './file-copy.ts'
import { parseLeaderEpochs } from './leader-epoch-cache.ts'
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
  /** Of what is replaced as a whole; null for all other files. */
  readonly content: Buffer | null
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
  /** Lets a moment pass: long enough for compaction to put a segment in its place. */
  readonly pause: () => Promise<void>
  readonly onBytes: (bytes: number) => void
}

/** Grow or go, and are named after an offset. */
const SEGMENT_FILE = /^(\d{20})\.(?:log|index|timeindex|txnindex|snapshot)$/
/** Replaced as a whole, so that what is read is always whole. */
const OWNER = 'partition.metadata'
const EPOCHS = 'leader-epoch-checkpoint'
const WHOLE_FILES = [OWNER, EPOCHS]
/** Compaction is about to give names of old segments to a new one. */
const SWAP = /\.swap$/

const ATTEMPTS = 20
/** Few: of a log that is older than leader epochs the file never reaches back to the start. */
const SHORTENING_ATTEMPTS = 5

export function cutPartition(fileSystem: FileSystem, directory: string, name: string): PartitionCut {
  // Before the segments are looked at: leader epochs that retention forgets with a segment would be missed later.
  const whole = new Map(WHOLE_FILES.map((file) => [file, fileSystem.readFile(`${directory}/${name}/${file}`)]))
  const files: CutFile[] = []
  for (const file of fileSystem.list(`${directory}/${name}`)) {
    const stat = fileSystem.stat(`${directory}/${name}/${file}`)
    if (!stat || stat.directory) continue
    files.push({ name: file, sizeBytes: stat.sizeBytes, modifiedMs: stat.modifiedMs, content: whole.get(file) ?? null })
  }
  return { name, files }
}

export function bytesOf(cut: PartitionCut): number {
  return cut.files.reduce((sum, file) => sum + file.sizeBytes, 0)
}

/** Whatever is renamed or removed from here on, these are the bytes of the cut. */
export interface OpenPartition {
  readonly cut: PartitionCut
  readonly files: ReadonlyMap<string, File>
}

/** Null when the files are no longer those of the cut: some were replaced or removed meanwhile. */
export function openPartition(request: PartitionToCopy, cut: PartitionCut): OpenPartition | null {
  const { fileSystem, from, running, compacted } = request
  const files = new Map<string, File>()
  const opened: OpenPartition = { cut, files }
  try {
    for (const { name } of cut.files) {
      if (WHOLE_FILES.includes(name) || (running && !SEGMENT_FILE.test(name))) continue
      files.set(name, fileSystem.open(`${from}/${cut.name}/${name}`, 'read'))
    }
    if (!running || isUnchanged(compacted, cut, cutPartition(fileSystem, from, cut.name))) return opened
  } catch (error) {
    closePartition(opened)
    if (systemErrorCode(error) === 'ENOENT') return null
    throw error
  }
  closePartition(opened)
  return null
}

export function closePartition({ files }: OpenPartition): void {
  for (const file of files.values()) file.close()
}

/** Copies what was opened; closes nothing. */
export async function copyOpened(request: PartitionToCopy, { cut, files }: OpenPartition): Promise<void> {
  const { fileSystem, to, running, onBytes } = request
  const target = `${to}/${cut.name}`
  const last = lastSegment(cut)
  fileSystem.makeDirectory(target)
  for (const { name, sizeBytes, content } of cut.files) {
    const from = files.get(name)
    if (from !== undefined) {
      const wholeBatches = running && name === last
      await copyFile(fileSystem, { from, to: `${target}/${name}`, sizeBytes, wholeBatches }, onBytes)
    } else if (content !== null) {
      await writeNewFile(fileSystem, `${target}/${name}`, content)
      onBytes(sizeBytes)
    }
  }
  await fileSystem.syncDirectory(target)
}

/**
 * Copies a partition as of the cut or, where compaction or retention came in between, as of the earliest moment after
 * it that can be had. False when the partition is gone.
 */
export async function copyPartition(request: PartitionToCopy, cut: PartitionCut): Promise<boolean> {
  const { fileSystem, from, running } = request
  let wanted = cut
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const early = running && attempt <= SHORTENING_ATTEMPTS && isShortened(wanted)
    const opened = early ? null : openPartition(request, wanted)
    if (opened !== null) {
      try {
        await copyOpened(request, opened)
      } finally {
        closePartition(opened)
      }
    }
    if (running && opened !== null) return true
    if (!running && opened !== null && isEqual(cut, cutPartition(fileSystem, from, cut.name))) return true
    if (!running) {
      throw new StorageError(
        `${from}/${cut.name} changed while it was copied: a broker runs that cannot be seen from here. ` +
          'Run the backup where it runs, or stop it first.',
      )
    }
    await request.pause()
    const now = cutPartition(fileSystem, from, cut.name)
    if (now.files.length === 0) return false
    wanted = request.compacted || !isSameTopic(now, cut) ? now : notBehind(now, cut)
  }
  throw new StorageError(`${from}/${cut.name} changes too often to be copied; try again when less is going on`)
}

/** Segments are about to go: leader epochs are forgotten first, and a start on both would read the log to find them. */
function isShortened(cut: PartitionCut): boolean {
  const content = cut.files.find(({ name }) => name === EPOCHS)?.content
  const second = cut.files.filter(({ name }) => SEGMENT_FILE.test(name) && name.endsWith('.log'))[1]
  if (!content || second === undefined) return false
  try {
    const [first] = parseLeaderEpochs(content, EPOCHS).entries
    return first !== undefined && first.startOffset >= Number(second.name.slice(0, 20))
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    return false // Damaged: for `verify` to name.
  }
}

/** False when the topic was deleted since, and another of its name created. */
function isSameTopic(now: PartitionCut, cut: PartitionCut): boolean {
  const [owner, before] = [now, cut].map(({ files }) => files.find(({ name }) => name === OWNER)?.content)
  return !owner || !before || owner.equals(before)
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
function isUnchanged(compacted: boolean, cut: PartitionCut, now: PartitionCut): boolean {
  const last = lastSegment(cut)
  const before = new Map(cut.files.map((file) => [file.name, file]))
  const after = new Map(now.files.map((file) => [file.name, file]))
  if (compacted) {
    if ([...before.keys(), ...after.keys()].some((name) => SWAP.test(name))) return false
    // What was written to may have been rewritten since it was closed.
    if (lastSegment(now) !== last) return false
    if ([...after.keys()].some((name) => name.endsWith('.log') && !before.has(name))) return false
  }
  return cut.files.every(({ name, sizeBytes, modifiedMs }) => {
    if (!SEGMENT_FILE.test(name) || name.endsWith('.snapshot')) return true
    const file = after.get(name)
    if (file === undefined) return false
    if (last !== null && name.slice(0, 20) === last.slice(0, 20)) return file.sizeBytes >= sizeBytes
    return file.sizeBytes === sizeBytes && file.modifiedMs === modifiedMs
  })
}

function isEqual(cut: PartitionCut, now: PartitionCut): boolean {
  return JSON.stringify(cut) === JSON.stringify(now)
}

function lastSegment(cut: PartitionCut): string | null {
  return cut.files.findLast(({ name }) => SEGMENT_FILE.test(name) && name.endsWith('.log'))?.name ?? null
}
