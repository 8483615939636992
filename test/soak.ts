import { parseArgs } from 'node:util'
import { GroupChurn } from './coordinator/group-churn.ts'
import { crashRounds } from './metadata/metadata-crash.ts'
import { simulate } from './simulation/simulation.ts'
import { runSeed } from './storage/log-model.ts'

/**
 * `npm run soak -- --minutes 30 [--seed N]`: the seeded machines in turns, each with a seed nobody tried before, until
 * the time is up. Stops at the first violation, with the command that shows it again.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error(`--minutes is a number above 0, not ${values.minutes}`)
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
if (!Number.isSafeInteger(first)) throw new Error(`--seed is a whole number, not ${values.seed}`)

const REPORT_MS = 10_000

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
      console.error(`${name}, seed ${seed} FAILED; to repeat: npm run soak -- --seed ${seed}\n`, error)
      process.exit(1)
    }
  }
  rounds++
  if (performance.now() - reportedMs < REPORT_MS) continue
  reportedMs = performance.now()
  console.log(`${rounds} rounds, ${((endMs - reportedMs) / 60_000).toFixed(1)} minutes left`)
}
console.log(
  `${rounds} rounds of ${Object.keys(machines).length} machines without a violation, seeds ${first} to ${first + rounds - 1}`,
)
