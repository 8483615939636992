import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ScenarioContext } from '../scenario.ts'

const DUMP = 'org.apache.kafka.tools.DumpLogSegments'
const FILES_AT_ONCE = 60

/** What DumpLogSegments says when a segment or an index is not as it should be. */
const COMPLAINTS =
  /^.*(ismatch|isvalid: false|[Nn]on-consecutive|are not found|out of order|invalid bytes|Exception|Error at).*$/m

/** The tool counts offsets from −1 in every segment, and so finds a gap before the first record of a later one. */
const FIRST_OF_A_SEGMENT = /^Non-consecutive offsets in .*\n {2}-1 is followed by \d+\n(?! )/gm

/** What compaction takes away is missing: Kafka's own logs are shown with the same gaps. */
const COMPACTED_AWAY = /^Non-consecutive offsets in .*\n(?: {2}-?\d+ is followed by \d+\n)+/gm

export interface PartitionFiles {
  name: string
  files: string[]
}

export function partitionFiles(folder: string): PartitionFiles[] {
  const names = readdirSync(folder).filter((name) => /-\d+$/.test(name) && statSync(join(folder, name)).isDirectory())
  return names.map((name) => ({ name, files: readdirSync(join(folder, name)).map((file) => join(folder, name, file)) }))
}

/** What the tool prints of files, which have to be without a complaint; gaps may be where a log was compacted. */
export async function dump(
  context: ScenarioContext,
  files: readonly string[],
  flags: readonly string[],
  compacted = false,
): Promise<string> {
  const allowed = compacted ? COMPACTED_AWAY : FIRST_OF_A_SEGMENT
  let output = ''
  for (let start = 0; start < files.length; start += FILES_AT_ONCE) {
    const some = files.slice(start, start + FILES_AT_ONCE)
    const run = await context.client.call(
      'tool',
      { tool: DUMP, arguments: [...flags, '--files', some.join(',')], input: '' },
      240_000,
    )
    assert.equal(run.code, 0, `exit code ${run.code}\n${run.output.slice(-1_000)}\n${run.errors.slice(-1_000)}`)
    const complaint = COMPLAINTS.exec(`${run.output}\n${run.errors}`.replaceAll(allowed, ''))
    if (complaint !== null) {
      const around = complaint.input.slice(Math.max(0, complaint.index - 300), complaint.index + 500)
      throw new assert.AssertionError({ message: `DumpLogSegments ${flags.join(' ')} complains:\n${around}` })
    }
    output += run.output
  }
  return output
}

export function count(output: string, pattern: RegExp): number {
  return [...output.matchAll(pattern)].length
}
