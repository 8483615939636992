import { nodeClock } from '../io/node-clock.ts'
import { nodeFileSystem } from '../io/node-file-system.ts'
import { nodeProcessTable } from '../io/node-process-table.ts'
import { verifyDataDirectory } from '../metadata/verify-data-directory.ts'
import { directoryState } from '../storage/local/verify-directory.ts'
import { formatFinding } from '../storage/local/verify-finding.ts'
import { readArguments } from './option-reader.ts'
import { ProgressLine } from './progress-line.ts'
import { UsageError } from './usage-error.ts'

const STATES = {
  clean: 'stopped in order',
  crashed: 'not stopped in order: the next start reads what was written last again',
  running: 'in use',
} as const

/** `odradek verify DIR`: 0 when nothing is wrong, 1 with a line for each thing that is. */
export async function verify(args: readonly string[]): Promise<number> {
  const { positionals } = readArguments(args, {})
  const [directory, more] = positionals
  if (directory === undefined || more !== undefined) throw new UsageError('verify takes one folder: odradek verify DIR')
  if (nodeFileSystem.stat(directory)?.directory !== true) throw new UsageError(`${directory}: there is no such folder`)
  const { holderPid } = directoryState(nodeFileSystem, directory, nodeProcessTable)
  if (holderPid !== null) {
    process.stderr.write(`${directory} is in use by the process ${holderPid}: what it is writing is left out\n`)
  }
  let errors = 0
  let notes = 0
  const progress = new ProgressLine(nodeClock, (text) => process.stderr.write(text))
  const summary = await verifyDataDirectory({
    fileSystem: nodeFileSystem,
    directory,
    processes: nodeProcessTable,
    report: (finding) => {
      if (finding.level === 'error') errors++
      else notes++
      process.stdout.write(`${formatFinding(finding)}\n`)
    },
    progress: ({ partitions, ofPartitions, bytes }) => {
      progress.show(() => `${partitions} of ${ofPartitions} partitions, ${megabytes(bytes)} read`)
    },
  })
  const { partitions, segments, batches, bytes } = summary
  const read = `${partitions} partitions, ${segments} segments, ${batches} batches, ${megabytes(bytes)}`
  const found = `${errors} ${errors === 1 ? 'error' : 'errors'}, ${notes} ${notes === 1 ? 'note' : 'notes'}`
  process.stdout.write(`${directory} (${STATES[summary.state]}): ${read}: ${found}\n`)
  return errors === 0 ? 0 : 1
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
