import { sep } from 'node:path'
import { nodeClock } from '../io/node-clock.ts'
import { nodeFileSystem } from '../io/node-file-system.ts'
import { nodeProcessTable } from '../io/node-process-table.ts'
import { realPath } from '../io/real-path.ts'
import { backUpDataDirectory } from '../metadata/backup-data-directory.ts'
import { printJson } from './broker-command.ts'
import type { Command } from './command.ts'
import { ProgressLine } from './progress-line.ts'
import { UsageError } from './usage-error.ts'

/** Long enough for a snapshot or a compacted segment to be in its place. */
const PAUSE_MS = 20

/** `odradek backup DIR DEST`: a consistent copy of a data directory, also of one that is in use. */
export const backup: Command = {
  name: 'backup',
  about: 'copy a data directory, of a running broker too, to a new one',
  arguments: 'DIR DEST',
  argumentCompletes: 'folder',
  options: { json: { type: 'boolean', about: 'print JSON, for scripts' } },
  json: '{ destination: string, partitions: number, bytes: number, clean: boolean }',
  async run(given, io) {
    const [directory, destination, more] = given.positionals
    if (directory === undefined || destination === undefined || more !== undefined) {
      throw new UsageError('backup takes two folders: odradek backup DIR DEST')
    }
    if (nodeFileSystem.stat(directory)?.directory !== true)
      throw new UsageError(`${directory}: there is no such folder`)
    if (`${realPath(destination)}${sep}`.startsWith(`${realPath(directory)}${sep}`)) {
      throw new UsageError(`${destination} lies in ${directory}: a backup belongs outside of it`)
    }
    const progress = new ProgressLine(nodeClock, (text) => io.err(text))
    const { partitions, bytes, clean } = await backUpDataDirectory({
      fileSystem: nodeFileSystem,
      directory,
      destination,
      processes: nodeProcessTable,
      pause,
      progress: (done, of) => progress.show(() => `${megabytes(done)} of ${megabytes(of)} copied`),
      note: (message) => io.err(`note: ${message}\n`),
    })
    const start = clean ? '' : '; the next start on it reads what was written last again'
    if (given.has('json')) await printJson(io, { destination, partitions, bytes, clean })
    else await io.out(`${destination}: ${partitions} partitions, ${megabytes(bytes)}${start}\n`)
    return 0
  },
}

/** Nothing else happens in this process, and the clock's timers would let it end. */
async function pause(): Promise<void> {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
