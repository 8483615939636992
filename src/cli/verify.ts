import { nodeClock } from '../io/node-clock.ts'
import { nodeFileSystem } from '../io/node-file-system.ts'
import { nodeProcessTable } from '../io/node-process-table.ts'
import { verifyDataDirectory } from '../metadata/verify-data-directory.ts'
import { directoryState } from '../storage/local/verify-directory.ts'
import { type Finding, formatFinding } from '../storage/local/verify-finding.ts'
import { printJson } from './broker-command.ts'
import type { Command } from './command.ts'
import type { CommandIo } from './command-io.ts'
import { ProgressLine } from './progress-line.ts'
import { UsageError } from './usage-error.ts'

const STATES = {
  clean: 'stopped in order',
  crashed: 'not stopped in order: the next start reads what was written last again',
  running: 'in use',
} as const

/** `odradek verify DIR`: 0 when nothing is wrong, 1 with a line for each thing that is. */
export const verify: Command = {
  name: 'verify',
  about: 'check every file of a data directory; changes nothing',
  arguments: 'DIR',
  argumentCompletes: 'folder',
  options: { json: { type: 'boolean', about: 'print JSON, for scripts' } },
  json: '{ directory: string, state: "clean" | "crashed" | "running", partitions: number, segments: number, batches: number, bytes: number, errors: number, notes: number, findings: { level: "error" | "note", message: string }[] }',
  async run(given, io) {
    const [directory, more] = given.positionals
    if (directory === undefined || more !== undefined) {
      throw new UsageError('verify takes one folder: odradek verify DIR')
    }
    if (nodeFileSystem.stat(directory)?.directory !== true)
      throw new UsageError(`${directory}: there is no such folder`)
    return verifyDirectory(directory, given.has('json'), io)
  },
}

async function verifyDirectory(directory: string, json: boolean, io: CommandIo): Promise<number> {
  const { holderPid } = directoryState(nodeFileSystem, directory, nodeProcessTable)
  if (holderPid !== null) {
    io.err(`${directory} is in use by the process ${holderPid}: what it is writing is left out\n`)
  }
  const findings: Finding[] = []
  const progress = new ProgressLine(nodeClock, (text) => io.err(text))
  const summary = await verifyDataDirectory({
    fileSystem: nodeFileSystem,
    directory,
    processes: nodeProcessTable,
    report: (finding) => {
      findings.push(finding)
      if (!json) void io.out(`${formatFinding(finding)}\n`)
    },
    progress: ({ partitions, ofPartitions, bytes }) => {
      progress.show(() => `${partitions} of ${ofPartitions} partitions, ${megabytes(bytes)} read`)
    },
  })
  const { partitions, segments, batches, bytes } = summary
  const errors = findings.filter(({ level }) => level === 'error').length
  const notes = findings.length - errors
  if (json) {
    const lines = findings.map((finding) => ({ level: finding.level, message: formatFinding(finding) }))
    await printJson(io, { directory, ...summary, errors, notes, findings: lines })
    return errors === 0 ? 0 : 1
  }
  const read = `${partitions} partitions, ${segments} segments, ${batches} batches, ${megabytes(bytes)}`
  const found = `${errors} ${errors === 1 ? 'error' : 'errors'}, ${notes} ${notes === 1 ? 'note' : 'notes'}`
  await io.out(`${directory} (${STATES[summary.state]}): ${read}: ${found}\n`)
  return errors === 0 ? 0 : 1
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
