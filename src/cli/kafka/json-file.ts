import { ToolFailure } from './tool-failure.ts'
import type { ToolIo } from './tool-io.ts'

export interface NamedPartition {
  readonly topic: string
  readonly partition: number
  /** Null where the file gives none. */
  readonly offset: number | null
}

const FAILED = 'org.apache.kafka.tools.AdminOperationException'

/** Reads `{"partitions": [{"topic": …, "partition": …, "offset": …}], "version": 1}`. */
export function partitionsFromJson(io: ToolIo, path: string): NamedPartition[] {
  const content = io.readFile(path)
  let json: unknown
  try {
    json = JSON.parse(content)
  } catch {
    throw new ToolFailure('The input string is not a valid JSON', FAILED)
  }
  const rows = fieldOf(json, 'partitions')
  if (rows === undefined) throw new ToolFailure('Missing partitions field', FAILED)
  const version = fieldOf(json, 'version') ?? 1
  if (version !== 1) throw new ToolFailure(`Not supported version field value ${version}`, FAILED)
  if (!Array.isArray(rows)) throw new ToolFailure('partitions is not a list', FAILED)
  return rows.map(partitionOf)
}

function fieldOf(json: unknown, name: string): unknown {
  if (typeof json !== 'object' || json === null || !Object.hasOwn(json, name)) return undefined
  return (json as Record<string, unknown>)[name]
}

function partitionOf(row: unknown): NamedPartition {
  const topic = fieldOf(row, 'topic')
  const partition = fieldOf(row, 'partition')
  const offset = fieldOf(row, 'offset')
  if (typeof topic !== 'string') throw new ToolFailure('No such field exists: `topic`', FAILED)
  if (!Number.isSafeInteger(partition)) throw new ToolFailure('No such field exists: `partition`', FAILED)
  return { topic, partition: partition as number, offset: Number.isSafeInteger(offset) ? (offset as number) : null }
}

/** The first that is there twice, as Java prints partitions; null when none is. */
export function duplicatesOf(partitions: readonly NamedPartition[]): string | null {
  const names = partitions.map(({ topic, partition }) => `${topic}-${partition}`)
  const twice = [...new Set(names.filter((name, at) => names.indexOf(name) !== at))]
  return twice.length === 0 ? null : twice.join(',')
}
