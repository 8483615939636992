import { dirname } from 'node:path'
import type { FileSystem } from '../../src/io/file-system.ts'
import { directoryState, offsetsOf, readCheckpoints } from '../../src/storage/local/verify-directory.ts'
import { type Finding, formatFinding } from '../../src/storage/local/verify-finding.ts'
import { verifyPartition } from '../../src/storage/local/verify-partition.ts'

/**
 * Fails on the first thing in the files of one partition that `odradek verify` would name, and on what a start would
 * repair: the broker under test has not been killed.
 */
export async function checkPartition(
  fileSystem: FileSystem,
  directory: string,
  options: { logStartOffset?: number; compacted?: boolean } = {},
): Promise<void> {
  const data = dirname(directory)
  const offsets = offsetsOf(
    readCheckpoints(fileSystem, data, (problem, name) => {
      if (fileSystem.exists(`${data}/${name}`)) throw new Error(`${name}: ${problem}`)
    }),
    directory.slice(data.length + 1),
  )
  const findings: Finding[] = []
  await verifyPartition({
    fileSystem,
    directory,
    state: directoryState(fileSystem, data, null).state,
    offsets: { ...offsets, logStart: Math.max(offsets.logStart ?? 0, options.logStartOffset ?? 0) },
    compacted: options.compacted ?? false,
    report: (finding) => findings.push(finding),
  })
  const isHarmless = ({ level, problem, meaning }: Finding) => {
    return level === 'note' && (problem === 'the file is missing' || meaning === 'Nothing reads it')
  }
  const first = findings.find((finding) => !isHarmless(finding))
  if (first) throw new Error(formatFinding(first))
}
