import { parseArgs } from 'node:util'
import { mutate } from '../support/mutations.ts'

/** `node test/storage/run-log-model.ts --seed 1 --seeds 100 [--mutate NAME]`: sequences of commands for one log. */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    steps: { type: 'string', default: '200' },
    /** One line of the broker made wrong; stops at the first violation. */
    mutate: { type: 'string' },
    quiet: { type: 'boolean', short: 'q', default: false },
  },
})
if (values.mutate !== undefined) mutate(values.mutate)
const { runSeed } = await import('./log-model.ts')

const first = Number(values.seed)
const steps = Number(values.steps)
const startMs = performance.now()
const totals: Record<string, number> = {}
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  try {
    const counts = await runSeed({ seed, steps })
    for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
  } catch (error) {
    console.log(`seed ${seed} FAILED:`, error instanceof Error ? (error.cause ?? error) : error)
    const mutation = values.mutate === undefined ? '' : ` --mutate ${values.mutate}`
    console.log(`to repeat: node test/storage/run-log-model.ts --seed ${seed} --steps ${steps}${mutation}`)
    process.exitCode = 1
    if (values.mutate !== undefined) break
  }
}
if (!values.quiet) {
  const counts = Object.entries(totals).map(([name, count]) => `${count} ${name}`)
  console.log(`${counts.join(', ')} in ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
}
