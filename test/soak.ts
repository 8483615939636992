import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { GroupChurn } from './coordinator/group-churn.ts'
import { crashRounds } from './metadata/metadata-crash.ts'
import { simulate } from './simulation/simulation.ts'
import { killRounds } from './slow/process/kill.ts'
import { damageEverything } from './slow/storage/bad-directory.ts'
import { runSeed } from './storage/log-model.ts'
import { runMutation } from './support/mutation-run.ts'
import { mutations } from './support/mutations.ts'
import { endAll } from './support/process.ts'

/**
 * `npm run soak`: what is too long for every day, on seeds nobody tried before. Stops at the first violation, with the
 * command that shows it again. Any of the options but the seed leaves out the parts that are not
 * named.
 */
const { values } = parseArgs({
  options: {
    /** The seeded machines in turns, for so long. */
    minutes: { type: 'string' },
    /** Sequences of the model of one log, on all processors. */
    sequences: { type: 'string' },
    /** Ends of a real broker under load. */
    kills: { type: 'string' },
    /** A data directory damaged in every way. */
    damage: { type: 'boolean' },
    /** Every line that is made wrong on purpose, and who notices. */
    mutations: { type: 'boolean' },
    seed: { type: 'string' },
  },
})
const { minutes: forMinutes, sequences: wantedSequences, kills: wantedKills, damage, mutations: mutated } = values
const isChosen = [forMinutes, wantedSequences, wantedKills, damage, mutated].some((value) => value !== undefined)
const minutes = numberOf('minutes', isChosen ? '0' : '10')
const sequences = numberOf('sequences', isChosen ? '0' : '10000')
const kills = numberOf('kills', isChosen ? '0' : '100')
const first = numberOf('seed', String(Math.floor(Math.random() * 1e9)))

const REPORT_MS = 10_000
const SEQUENCES_AT_ONCE = 250

const machines: Record<string, (seed: number) => Promise<unknown>> = {
  'whole broker': async (seed) => {
    const { violation } = await simulate({ seed, steps: 15_000 })
    if (violation !== null) throw new Error(`npm run simulate -- --seed ${seed}`, { cause: violation })
  },
  'one log': (seed) => runSeed({ seed, steps: 200 }),
  metadata: (seed) => crashRounds(seed, 1024 * 1024),
  group: async (seed) => {
    new GroupChurn(seed).run(800)
  },
}

if (minutes > 0) await soakMachines()
if (sequences > 0) await runSequences()
if (kills > 0) await killBrokers()
if (mutated || !isChosen) await runMutations()
if (!isChosen || damage === true) await damageFiles()

function numberOf(name: 'minutes' | 'sequences' | 'kills' | 'seed', fallback: string): number {
  const number = Number(values[name] ?? fallback)
  if (Number.isFinite(number) && number >= 0 && (name === 'minutes' || Number.isInteger(number))) return number
  throw new Error(`--${name} is a ${name === 'minutes' ? '' : 'whole '}number from 0 on, not ${values[name]}`)
}

async function damageFiles(): Promise<void> {
  const { cases, wrong } = await damageEverything()
  if (wrong.length > 0) throw new Error(`of ${cases} damaged directories:\n${wrong.join('\n')}`)
  console.log(`${cases} damaged directories: started, or refused, with the damage named`)
}

async function soakMachines(): Promise<void> {
  const endMs = performance.now() + minutes * 60_000
  let rounds = 0
  let reportedMs = performance.now()
  console.log(`soaking for ${minutes} minutes from seed ${first}`)
  while (performance.now() < endMs) {
    const seed = first + rounds
    for (const [name, run] of Object.entries(machines)) {
      try {
        await run(seed)
      } catch (error) {
        console.error(`${name}, seed ${seed} FAILED; to repeat: npm run soak -- --minutes 1 --seed ${seed}\n`, error)
        process.exit(1)
      }
    }
    rounds++
    if (performance.now() - reportedMs < REPORT_MS) continue
    reportedMs = performance.now()
    console.log(`${rounds} rounds, ${((endMs - reportedMs) / 60_000).toFixed(1)} minutes left`)
  }
  const seeds = `seeds ${first} to ${first + rounds - 1}`
  console.log(`${rounds} rounds of ${Object.keys(machines).length} machines without a violation, ${seeds}`)
}

/** In as many processes as there are processors. */
async function runSequences(): Promise<void> {
  const startMs = performance.now()
  let done = 0
  let next = 0
  console.log(`${sequences} sequences of one log from seed ${first}`)
  const work = async () => {
    while (next < sequences) {
      const from = next
      const count = Math.min(SEQUENCES_AT_ONCE, sequences - from)
      next += count
      await runLogModel(first + from, count)
      done += count
      console.log(`${done} of ${sequences} sequences, ${((performance.now() - startMs) / 1000).toFixed(0)} s`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  console.log(`${sequences} sequences without a violation, seeds ${first} to ${first + sequences - 1}`)
}

function runLogModel(seed: number, seeds: number): Promise<void> {
  const script = path.join(import.meta.dirname, 'storage', 'run-log-model.ts')
  const child = spawn(process.execPath, [script, '--seed', String(seed), '--seeds', String(seeds), '--quiet'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    // It has said what went wrong, and how to repeat it.
    child.on('exit', (code) => (code === 0 ? resolve() : process.exit(1)))
  })
}

async function killBrokers(): Promise<void> {
  const startMs = performance.now()
  console.log(`${kills} times kill -9, from seed ${first}`)
  const onKill = (kill: number, acknowledged: number) => {
    if (kill % 10 === 0) console.log(`${kill} of ${kills} kills, ${acknowledged} records acknowledged`)
  }
  try {
    const figures = await killRounds({ kills, seed: first, onKill })
    const counts = Object.entries(figures).map(([name, count]) => `${name} ${count}`)
    console.log(`no violation in ${((performance.now() - startMs) / 1000).toFixed(0)} s: ${counts.join(', ')}`)
  } catch (error) {
    console.error(`FAILED; to repeat: npm run soak -- --kills ${kills} --seed ${first}\n`, error)
    process.exitCode = 1
  } finally {
    await endAll()
  }
}

async function runMutations(): Promise<void> {
  for (const mutation of mutations) {
    for (const machine of mutation.caughtBy) {
      const { caught, said, tookMs } = await runMutation(mutation, machine)
      console.log(`${mutation.name}, ${machine}: ${said} (${(tookMs / 1000).toFixed(1)} s)`)
      if (!caught) process.exitCode = 1
    }
  }
}
