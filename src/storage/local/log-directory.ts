import type { FileSystem } from '../../io/file-system.ts'
import type { ProcessIdentity, ProcessTable } from '../../io/process-table.ts'
import type { Random } from '../../io/random.ts'
import { METADATA_DIRECTORY, partitionDirectories } from './partition-directories.ts'
import { StorageError, systemErrorCode } from './storage-error.ts'

const META_PROPERTIES = 'meta.properties'
const CLEAN_SHUTDOWN = '.kafka_cleanshutdown'
const MANIFEST = '.odradek-manifest'
const LOCK = '.lock'
const VERSION = '1'
const MAX_NAME_BYTES = 255

/** Whose data a directory holds; the `meta.properties` file of Kafka's format 1. */
export interface DirectoryIdentity {
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: string
}

/**
 * Who the directory belongs to: as it says, or as it is told when it is new. Refuses, without touching anything, what
 * another version or another program made.
 */
export async function identifyDirectory(
  fileSystem: FileSystem,
  directory: string,
  wanted: { nodeId: number; clusterId: string },
  random: Random,
): Promise<DirectoryIdentity> {
  const path = `${directory}/${META_PROPERTIES}`
  const content = fileSystem.readFile(path)
  if (content !== null) return checkedIdentity(parseProperties(content.toString('utf8')), path, wanted.nodeId)
  const hasMetadata = fileSystem.exists(`${directory}/${METADATA_DIRECTORY}`)
  const foreign = hasMetadata ? METADATA_DIRECTORY : partitionDirectories(fileSystem, directory)[0]
  if (foreign !== undefined) {
    throw new StorageError(
      `${directory} holds the partition directory ${foreign} but no ${META_PROPERTIES}: it is left alone. ` +
        'Restore that file from a backup, or start on another folder.',
    )
  }
  const identity = { ...wanted, directoryId: random.bytes(16).toString('base64url') }
  await fileSystem.replaceFile(path, formatIdentity(identity))
  return identity
}

function checkedIdentity(properties: Map<string, string>, path: string, nodeId: number): DirectoryIdentity {
  const version = properties.get('version')
  if (version !== VERSION) {
    const newer = Number(version) > Number(VERSION)
    const advice = newer ? 'Start it with the version that wrote it.' : 'Restore the file from a backup.'
    throw new StorageError(
      `${path}: version ${version ?? 'missing'} is not ${VERSION}; this directory is left alone. ${advice}`,
    )
  }
  const clusterId = properties.get('cluster.id')
  const storedNodeId = properties.get('node.id')
  if (!clusterId || storedNodeId === undefined || !/^\d+$/.test(storedNodeId)) {
    throw new StorageError(`${path}: cluster.id or node.id is missing. Restore the file from a backup.`)
  }
  if (Number(storedNodeId) !== nodeId) {
    throw new StorageError(
      `${path}: the data belongs to node.id ${storedNodeId}, this broker is node.id ${nodeId}. ` +
        `Set node.id=${storedNodeId}, or start on another folder.`,
    )
  }
  const directoryId = properties.get('directory.id') ?? ''
  if (directoryId !== '' && !isUuid(directoryId)) {
    throw new StorageError(`${path}: directory.id '${directoryId}' is no UUID. Restore the file from a backup.`)
  }
  return { clusterId, nodeId, directoryId }
}

/** In base64url, as Kafka writes it. */
function isUuid(text: string): boolean {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length === 16 && bytes.toString('base64url') === text
}

function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([^#!\s=:][^\s=:]*)\s*[=:]\s*(.*)$/.exec(line)
    if (match) properties.set(match[1]!, match[2]!.trim())
  }
  return properties
}

function formatIdentity(identity: DirectoryIdentity): Buffer {
  const lines = [
    '#',
    `cluster.id=${identity.clusterId}`,
    `directory.id=${identity.directoryId}`,
    `node.id=${identity.nodeId}`,
    `version=${VERSION}`,
  ]
  return Buffer.from(`${lines.join('\n')}\n`)
}

/** Why `meta.properties` does not say whose data this is, or null. */
export function identityProblem(fileSystem: FileSystem, directory: string): string | null {
  const path = `${directory}/${META_PROPERTIES}`
  const content = fileSystem.readFile(path)
  if (content === null) return 'the file is missing'
  const properties = parseProperties(content.toString('utf8'))
  try {
    checkedIdentity(properties, path, Number(properties.get('node.id')))
    return null
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    return error.message.replace(`${path}: `, '')
  }
}

/** The running process that has the directory, or null. */
export function directoryHolder(
  fileSystem: FileSystem,
  directory: string,
  processes: ProcessTable,
): ProcessIdentity | null {
  const holder = parseLock(fileSystem.readFile(`${directory}/${LOCK}`))
  return holder && processes.isRunning(holder) ? holder : null
}

export function refuseHeld(fileSystem: FileSystem, directory: string, processes: ProcessTable): void {
  const holder = directoryHolder(fileSystem, directory, processes)
  if (holder) throw new StorageError(`${directory} is in use by the process ${holder.pid}`)
}

/** Takes the directory for this process; throws when a running process has it. */
export function lockDirectory(fileSystem: FileSystem, directory: string, processes: ProcessTable): void {
  const path = `${directory}/${LOCK}`
  refuseHeld(fileSystem, directory, processes)
  fileSystem.unlink(path)
  try {
    const file = fileSystem.open(path, 'exclusive')
    try {
      file.writeSync([Buffer.from(`${JSON.stringify(processes.self)}\n`)], 0)
    } finally {
      file.close()
    }
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error
    throw new StorageError(`${directory} was taken by another process a moment ago`)
  }
}

export function unlockDirectory(fileSystem: FileSystem, directory: string): void {
  fileSystem.unlink(`${directory}/${LOCK}`)
}

function parseLock(content: Buffer | null): ProcessIdentity | null {
  if (content === null) return null
  try {
    const holder: unknown = JSON.parse(content.toString('utf8'))
    if (typeof holder !== 'object' || holder === null) return null
    if (!('pid' in holder && 'startTime' in holder && 'bootId' in holder)) return null
    const { pid, startTime, bootId } = holder
    if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof bootId !== 'string') return null
    return { pid, startTime, bootId }
  } catch {
    return null // Kafka's own lock file is empty, and one cut short by a crash has no living owner.
  }
}

const MARK = Buffer.from('{"version":0,"brokerEpoch":-1}')

/** Kafka leaves a mark of its own, and no manifest. */
export function wasClosedByUs(fileSystem: FileSystem, directory: string): boolean {
  return fileSystem.readFile(`${directory}/${CLEAN_SHUTDOWN}`)?.equals(MARK) ?? false
}

/** The mark is left alone. */
export function isCleanlyClosed(fileSystem: FileSystem, directory: string): boolean {
  return fileSystem.exists(`${directory}/${CLEAN_SHUTDOWN}`)
}

export interface LastStop {
  readonly clean: boolean
  /** What a clean stop wrote down, null where it wrote nothing. */
  readonly manifest: Buffer | null
}

/** Whether the last stop was in good order. Mark and manifest are gone, for good, before this resolves. */
export async function takeCleanShutdownMark(fileSystem: FileSystem, directory: string): Promise<LastStop> {
  const clean = fileSystem.exists(`${directory}/${CLEAN_SHUTDOWN}`)
  const manifest = wasClosedByUs(fileSystem, directory) ? fileSystem.readFile(`${directory}/${MANIFEST}`) : null
  fileSystem.unlink(`${directory}/${CLEAN_SHUTDOWN}`)
  fileSystem.unlink(`${directory}/${MANIFEST}`)
  if (clean) await fileSystem.syncDirectory(directory)
  return { clean, manifest }
}

/** The manifest first: the mark says that it is true. */
export async function leaveCleanShutdownMark(
  fileSystem: FileSystem,
  directory: string,
  manifest: Buffer,
): Promise<void> {
  await fileSystem.replaceFile(`${directory}/${MANIFEST}`, manifest)
  await fileSystem.replaceFile(`${directory}/${CLEAN_SHUTDOWN}`, MARK)
}

/** A unique name for a directory that is on its way out; a long topic name gives way to the suffix. */
export function retiredName(topic: string, partition: number, random: Random, suffix: 'delete' | 'stray'): string {
  const ending = `-${partition}.${random.bytes(16).toString('hex')}-${suffix}`
  return `${topic.slice(0, MAX_NAME_BYTES - ending.length)}${ending}`
}

export function isStrayName(name: string): boolean {
  return /\.[0-9a-f]{32}-stray$/.test(name)
}

export function isDeletedName(name: string): boolean {
  return /\.[0-9a-f]{32}-delete$/.test(name)
}
