import { crc32c } from '../../../protocol/records/crc32c.ts'
import type { FileSystem } from '../../io/file-system.ts'
import { decodeChecked, encodeChecked } from './checked-json.ts'
import type { Log } from './log.ts'
import type { Report } from './log-context.ts'

export const TRANSACTION_INDEXES = '.odradek-transaction-indexes'
const VERSION = 1

interface Entry {
  readonly topicId: string
  /** Of the segments with a transaction index: base offset, CRC-32C of the file. */
  readonly indexes: readonly (readonly [baseOffset: number, crc: number])[]
}

/**
 * Which segments have a transaction index, and its checksum. A segment without aborted transactions has no such file,
 * and the file has no checksum of its own: where one is lost or damaged, readers of committed records would be given
 * aborted ones without a word. Compacted logs are left out: their indexes change with every cleaning.
 */
export class TransactionIndexCheckpoint {
  readonly #fileSystem: FileSystem
  readonly #path: string
  /** Of logs that are not open yet. */
  readonly #unopened: Map<string, Entry>
  #written: Buffer | null

  constructor(fileSystem: FileSystem, directory: string, report: Report) {
    this.#fileSystem = fileSystem
    this.#path = `${directory}/${TRANSACTION_INDEXES}`
    this.#written = fileSystem.readFile(this.#path)
    const known = this.#written && decodeChecked<Record<string, Entry>>(this.#written, VERSION)
    if (this.#written !== null && known === null)
      report(
        'warn',
        `${this.#path} is damaged: transaction indexes are taken for what they say until the next checkpoint`,
      )
    this.#unopened = new Map(Object.entries(known ?? {}))
  }

  /** What the indexes of a log should be; it is asked once, when the log is opened. */
  take(name: string, topicId: string): ReadonlyMap<number, number> {
    const entry = this.#unopened.get(name)
    this.#unopened.delete(name)
    return new Map(entry?.topicId === topicId ? entry.indexes : [])
  }

  /** Before the recovery points are written: below them, files are taken for what they say. */
  async write(logs: Iterable<Log>): Promise<void> {
    const entries = Object.fromEntries(this.#unopened)
    for (const log of logs) {
      const indexes = indexesOf(log)
      if (indexes.length > 0) entries[log.name] = { topicId: log.topicId, indexes }
    }
    if (this.#written === null && Object.keys(entries).length === 0) return
    const content = encodeChecked(VERSION, entries)
    if (this.#written?.equals(content)) return
    await this.#fileSystem.replaceFile(this.#path, content)
    this.#written = content
  }
}

function indexesOf(log: Log): Entry['indexes'] {
  if (log.gapsBelow === Number.POSITIVE_INFINITY) return []
  return log.segments.flatMap((segment) => {
    const unwritten = segment === log.active ? log.state !== 'closed' : log.files.isUnfinished(segment)
    if (unwritten || segment.transactions.entries.length === 0) return []
    const content = segment.transactions.toBuffer()
    return [[segment.baseOffset, crc32c(content, 0, content.length)] as const]
  })
}
