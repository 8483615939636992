import { batchSizeBytes, eachBatch, lastOffset } from '../../../protocol/records/batch.ts'
import { SimulatedFileSystem } from '../../../src/io/simulated-file-system.ts'
import { withTimeout } from '../../support/process.ts'
import { type Damage, damagesOf } from './damage.ts'
import {
  diskOf,
  FILES,
  type Observation,
  observe,
  retry,
  type Seen,
  startOn,
  type Tree,
  treeOf,
  verifyFindings,
  writeEverything,
} from './damaged-broker.ts'

const WAIT_MS = 20_000

/** The same directory as it was left in several ways, and what a broker answers from it. */
export interface Prepared {
  readonly trees: ReadonlyMap<string, Tree>
  readonly whole: Observation
}

export async function prepare(): Promise<Prepared> {
  const disk = new SimulatedFileSystem({ nowMs: () => Date.now(), crashable: false })
  const odradek = await writeEverything(disk)
  const recoveryPoints = () => String(disk.readFile('/data/recovery-point-offset-checkpoint'))
  const isFar = () => /^plain 0 2\d$/m.test(recoveryPoints()) && /^transactional 0 7$/m.test(recoveryPoints())
  while (!isFar()) await new Promise<void>((resolve) => setImmediate(resolve))
  const killed = treeOf(disk)
  await odradek.close()
  const stopped = treeOf(disk)
  const withoutManifest = new Map([...stopped].filter(([path]) => !path.endsWith('-manifest')))
  const running = await startOn(diskOf(stopped))
  const whole = await observe(running)
  await running.odradek.close()
  const trees = new Map<string, Tree>([
    ['killed', killed],
    ['stopped', stopped],
    ['stopped without a manifest', withoutManifest],
  ])
  return { trees, whole }
}

export const STATES = ['killed', 'stopped', 'stopped without a manifest'] as const

/** All files, states and damages, one after the other; gives what is wrong. */
export async function damageEverything(): Promise<{ readonly cases: number; readonly wrong: readonly string[] }> {
  const { trees, whole } = await prepare()
  const wrong: string[] = []
  let cases = 0
  for (const state of STATES) {
    for (const name of FILES) {
      const tree = trees.get(state)!
      const path = `/data/${name}`
      const content = tree.get(path)
      for (const damage of content ? damagesOf(path, content, null) : []) {
        cases++
        const problems = await problemsOf(whole, tree, path, damage)
        wrong.push(...problems.map((problem) => `${state}, ${name}, ${damage.name}: ${problem}`))
      }
    }
  }
  return { cases, wrong }
}

/** What is not as promised when a broker starts on a directory with this damage. */
export async function problemsOf(whole: Observation, tree: Tree, path: string, damage: Damage): Promise<string[]> {
  const content = tree.get(path)!
  try {
    return await withTimeout(WAIT_MS, 'no answer', problemsNow(whole, tree, path, content, damage))
  } catch (error) {
    return [String(error instanceof Error ? error.stack : error)]
  }
}

async function problemsNow(
  whole: Observation,
  tree: Tree,
  path: string,
  content: Buffer,
  damage: Damage,
): Promise<string[]> {
  const disk = diskOf(tree)
  damage.apply(disk, path, content)
  const damaged = treeOf(disk)
  const first = await startOn(disk).catch((error: Error) => error)
  if (first instanceof Error) return refusalProblems(first, disk, damaged, path)
  const problems: string[] = []
  const seen = await observe(first).catch((error: Error) => error)
  if (seen instanceof Error) {
    await first.odradek.close()
    return [`${seen.message}; ${first.said().join(' | ')}`]
  }
  const said = first.said()
  problems.push(...lossProblems(whole, seen, said, path, content, damage))
  if (seen.ends['plain'] === whole.ends['plain'] && !path.includes('.log')) {
    const answered = await retry(first)
    if (answered !== 21) problems.push(`a batch sent again is answered with ${answered}`)
  }
  const before = await observe(first)
  await first.odradek.close()
  const second = await startOn(disk).catch((error: Error) => error)
  if (second instanceof Error) return [...problems, `the second start fails: ${second.message}`]
  if (second.said().length > 0) problems.push(`the second start says ${second.said()}`)
  const again = await observe(second)
  if (JSON.stringify(plain(again)) !== JSON.stringify(plain(before)))
    problems.push('the second start finds something else')
  await second.odradek.close()
  const allRead = [...again.records.values()].every((record) => typeof record === 'object')
  const lost = !allRead
  const findings = (await verifyFindings(disk)).filter(({ level }) => level === 'error')
  const unexpected = findings.filter(({ file }) => !isOfSameSegment(file, path) && !isLossKnown(said, file))
  if (!lost && unexpected.length > 0)
    problems.push(`verify: ${unexpected.map(({ file, problem }) => `${file} ${problem}`)}`)
  if ([...again.records.values()].includes('unreadable') && findings.length === 0) problems.push('verify finds nothing')
  return problems.map((problem) => `${problem} [said: ${said.join(' | ')}]`)
}

/** Where the log is what was damaged, its indexes seem wrong beside it. */
function isOfSameSegment(file: string, path: string): boolean {
  return file === path || (path.endsWith('.log') && file.startsWith(path.slice(0, -'log'.length)))
}

/** Whoever was told that a partition has lost something may be told again. */
function isLossKnown(said: readonly string[], file: string): boolean {
  const folder = /^\/data\/[^/]+-0/.exec(file)?.[0]
  return folder !== undefined && said.some((line) => line.includes(folder) && / (?:is|are) lost/.test(line))
}

/** Of a damaged segment, indexes that were made anew know less than those that were read. */
function plain(seen: Observation): unknown {
  const damaged = [...seen.records.values()].includes('unreadable')
  return { ...seen, records: [...seen.records], byTimestamp: damaged ? [] : seen.byTimestamp }
}

/**
 * A broker that refuses names the file, or the folder of the partition, and what to do. What is wrong with the directory
 * as a whole is found before anything is written; what is wrong in a partition, when others have been opened already:
 * then their batches are still all there, and its own folder is as before.
 */
function refusalProblems({ message }: Error, disk: SimulatedFileSystem, damaged: Tree, path: string): string[] {
  const folder = path.slice(0, path.lastIndexOf('/'))
  const names = [path.slice(folder.length + 1), folder === '/data' ? path : folder.slice('/data/'.length)]
  const problems: string[] = []
  if (!names.some((name) => message.includes(name))) problems.push(`refused without the file's name: ${message}`)
  const inPartition = folder !== '/data' && !folder.includes('__cluster_metadata')
  const after = treeOf(disk)
  for (const [file, content] of damaged) {
    if (inPartition && !file.startsWith(`${folder}/`) && !/-0\/\d{20}\.log$/.test(file)) continue
    // Whatever is made of the batches may have been made anew.
    if (inPartition && /__cluster_metadata|\.(?:index|timeindex)$/.test(file)) continue
    const now = after.get(file)
    const same = content === null ? now === null : now?.equals(content)
    if (!same) problems.push(`refused (${message}), but ${file} is not as before`)
  }
  if (!/Restore|[Dd]elete it|[Ss]et node\.id|Start it with/.test(message)) problems.push(`no advice: ${message}`)
  return problems
}

/** Records that are gone and not named, wrong answers, and good batches before the damage that cannot be read. */
function lossProblems(
  whole: Observation,
  seen: Observation,
  said: readonly string[],
  path: string,
  content: Buffer,
  damage: Damage,
): string[] {
  const problems: string[] = []
  const safeBelow = path.endsWith('.log') ? goodBefore(path, content, damage.position) : Number.POSITIVE_INFINITY
  let lost = 0
  for (const [key, expected] of whole.records) {
    const found: Seen = seen.records.get(key) ?? 'missing'
    if (typeof found === 'object' && typeof expected === 'object') {
      if (found.value !== expected.value) problems.push(`${key} is ${found.value}`)
      continue
    }
    lost++
    const [topic, offset] = key.split(' ') as [string, string]
    if (found === 'missing' && isSetAside(said, topic)) continue
    const inFile = path.startsWith(`/data/${topic}-0/`)
    if (!inFile) problems.push(`${key} is ${String(found)}`)
    else if (found === 'unreadable' && !path.endsWith('.log')) problems.push(`${key} is unreadable`)
    else if (found === 'missing' && !isNamed(said, topic, Number(offset))) problems.push(`${key} is missing in silence`)
    else if (Number(offset) < safeBelow) problems.push(`${key} lies before the damage and is ${String(found)}`)
  }
  if (lost > 0) return problems
  if (JSON.stringify(seen.byTimestamp) !== JSON.stringify(whole.byTimestamp)) {
    problems.push(`by timestamp ${seen.byTimestamp}`)
  }
  if (seen.aborted !== whole.aborted) problems.push(`aborted ${seen.aborted}`)
  // The epoch of the last batch of all has no witness but the batch: a higher one that is possible is believed.
  if (!path.endsWith('.log') && seen.epochs !== whole.epochs) problems.push(`epochs ${seen.epochs}`)
  const committedIsNamed = isNamed(said, '__consumer_offsets', 0) || isSetAside(said, '__consumer_offsets')
  if (seen.committed !== whole.committed && !committedIsNamed) {
    problems.push(`committed ${seen.committed}`)
  }
  if (JSON.stringify(seen.ends) !== JSON.stringify(whole.ends)) problems.push(`ends ${JSON.stringify(seen.ends)}`)
  // Without this file nothing but the leader epochs tells where a log began after DeleteRecords.
  const startIsNamed = said.some((line) => line.includes(path) || line.includes('log-start-offset-checkpoint'))
  if (JSON.stringify(seen.starts) !== JSON.stringify(whole.starts) && !startIsNamed) {
    problems.push(`starts ${JSON.stringify(seen.starts)}`)
  }
  return problems
}

/** The first offset that the damage may have touched. */
function goodBefore(path: string, content: Buffer, position: number): number {
  const name = path.slice(path.lastIndexOf('/') + 1)
  let offset = Number(name.slice(0, 20))
  for (const at of eachBatch(content)) {
    if (at + batchSizeBytes(content, at) > position) break
    offset = lastOffset(content, at) + 1
  }
  return offset
}

/** The metadata lost its topic, and its folder was kept under another name. */
function isSetAside(said: readonly string[], topic: string): boolean {
  return said.some((line) => line.startsWith(`/data/${topic}-0 belongs to no topic`))
}

/** A line that names the partition and a range with the offset in it. */
function isNamed(said: readonly string[], topic: string, offset: number): boolean {
  return said.some((line) => {
    if (!line.includes(`${topic}-0`)) return false
    return [...line.matchAll(/[Oo]ffsets? (\d+)(?: to (\d+))?/g)].some(([, first, last]) => {
      return offset >= Number(first) && offset <= Number(last ?? first)
    })
  })
}
