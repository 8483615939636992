import type { FileSystem } from '../../io/file-system.ts'
import { StorageError } from './storage-error.ts'

/**
 * Kafka's checkpoint files: a version line, the number of entries, one entry per line. A file that does not read back
 * whole is an error and never taken for an empty one: offsets would fall to zero unnoticed.
 */

const VERSION = '0'

export interface OffsetCheckpointEntry {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export function formatOffsetCheckpoint(entries: readonly OffsetCheckpointEntry[]): Buffer {
  return formatCheckpoint(entries.map((entry) => `${entry.topic} ${entry.partition} ${entry.offset}`))
}

/** Offsets by `topic-partition`; empty when the file is missing. */
export function readOffsetCheckpoint(fileSystem: FileSystem, path: string): Map<string, number> {
  const offsets = new Map<string, number>()
  const content = fileSystem.readFile(path)
  // Kafka makes the file empty at its first start, before it has anything to say.
  if (content === null || content.length === 0) return offsets
  for (const line of parseCheckpoint(content, path)) {
    const match = /^(\S+) (\d{1,10}) (\d{1,19})$/.exec(line)
    if (!match) throw new StorageError(`${path}: '${line}' is not 'topic partition offset'`)
    offsets.set(`${match[1]}-${match[2]}`, Number(match[3]))
  }
  return offsets
}

export function formatCheckpoint(lines: readonly string[]): Buffer {
  return Buffer.from(`${[VERSION, String(lines.length), ...lines].join('\n')}\n`)
}

export function parseCheckpoint(content: Buffer, path: string): string[] {
  const [version, count, ...lines] = content.toString('utf8').split('\n')
  if (version !== VERSION) throw new StorageError(`${path}: checkpoint version '${version}' is not ${VERSION}`)
  if (lines.at(-1) === '') lines.pop()
  if (count !== String(lines.length))
    throw new StorageError(`${path}: ${count} entries announced, ${lines.length} found`)
  return lines
}
