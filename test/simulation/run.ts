import { parseArgs } from 'node:util'
import { mutate } from '../support/mutations.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    mutate: { type: 'string' },
    verbose: { type: 'boolean', short: 'v', default: false },
  },
})

if (values.mutate !== undefined) mutate(values.mutate)
const { DEFAULT_STEPS, simulate } = await import('./simulation.ts')

const steps = Number(values.steps ?? DEFAULT_STEPS)
const first = values.seed === undefined ? Math.floor(Math.random() * 1e6) : Number(values.seed)
const mutation = values.mutate === undefined ? '' : ` --mutate ${values.mutate}`
let failures = 0
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const startMs = performance.now()
  const onLine = values.verbose ? (line: string) => console.log(line) : null
  const result = await simulate({ seed, steps, onLine })
  const tookMs = performance.now() - startMs
  const counts = Object.entries(result.counts).map(([name, count]) => `${count} ${name}`)
  const what = `seed ${seed}: ${result.steps} steps, ${(result.simulatedMs / 1000).toFixed(0)} simulated seconds in ${(tookMs / 1000).toFixed(1)} s, ${counts.join(', ')}, ${result.digest.slice(0, 12)}`
  if (result.violation === null) {
    console.log(`${what}: every promise was kept`)
    continue
  }
  failures++
  if (!values.verbose) console.log(result.trace.join('\n'))
  console.log(`${what}\n\nseed ${seed} FAILED: ${result.violation.stack}\n`)
  console.log(
    `to repeat: npm run simulate -- --seed ${seed} --steps ${steps}${mutation}   (--verbose prints everything that happens)`,
  )
  // One is enough to see that it is noticed.
  if (values.mutate !== undefined) break
}
process.exit(failures === 0 ? 0 : 1)
