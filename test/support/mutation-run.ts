import path from 'node:path'
import { runToEnd } from '../../compat-tests/process.ts'
import type { Machine, Mutation } from './mutations.ts'
import { repository } from './process.ts'

const SCRIPTS: Readonly<Record<Machine, string>> = {
  broker: 'test/simulation/run.ts',
  log: 'test/storage/run-log-model.ts',
}
/** Seeds that a machine is given; the first few are enough for most. */
const SEEDS: Readonly<Record<Machine, number>> = { broker: 40, log: 200 }
const TIMEOUT_MS = 600_000

export interface Notice {
  readonly caught: boolean
  /** The violation, or what there was instead. */
  readonly said: string
  readonly tookMs: number
}

/** Runs a machine on a broken broker, from seed 1 on until it notices. Fails when the line to break has moved. */
export async function runMutation({ name }: Mutation, machine: Machine): Promise<Notice> {
  const startMs = performance.now()
  const script = path.join(repository, SCRIPTS[machine])
  const args = [script, '--mutate', name, '--seed', '1', '--seeds', String(SEEDS[machine])]
  const { code, stdout, stderr } = await runToEnd(process.execPath, args, { cwd: repository, timeoutMs: TIMEOUT_MS })
  const violation = /^seed \d+ FAILED: .*/m.exec(stdout)?.[0]
  if (violation === undefined && code !== 0) throw new Error(`${name}: ${stderr}`)
  return {
    caught: violation !== undefined,
    said: violation ?? `nobody noticed in ${SEEDS[machine]} seeds`,
    tookMs: performance.now() - startMs,
  }
}
