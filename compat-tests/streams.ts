import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { Target } from './broker.ts'
import { connectScenario } from './streams/connect-scenario.ts'
import { mirrorScenario } from './streams/mirror-scenario.ts'
import { disturbed, type ScenarioOptions, undisturbed } from './streams/streams-scenarios.ts'
import { lackOfJava } from './streams/toolchain.ts'

/**
 * `npm run streams`: what is built on transactions, compacted topics and groups, by the real thing: Kafka Streams, Connect
 * in distributed mode and MirrorMaker 2.
 */

interface Scenario {
  readonly name: string
  readonly run: (options: ScenarioOptions) => Promise<void>
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'streams-exactly-once', run: (options) => undisturbed(options, 'exactly_once_v2') },
  { name: 'streams-at-least-once', run: (options) => undisturbed(options, 'at_least_once') },
  { name: 'streams-exactly-once-killed', run: (options) => disturbed(options, 'exactly_once_v2') },
  { name: 'streams-at-least-once-killed', run: (options) => disturbed(options, 'at_least_once') },
  { name: 'connect-distributed', run: connectScenario },
  { name: 'mirror-maker-2', run: mirrorScenario },
]

const SHORT_ROUNDS = '3'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: 'odradek' },
      scenario: { type: 'string', multiple: true },
      rounds: { type: 'string', default: SHORT_ROUNDS },
      seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
      'log-level': { type: 'string', default: 'warn' },
      keep: { type: 'boolean', default: false },
    },
  })
  if (values.target !== 'odradek' && values.target !== 'kafka') throw new Error(`--target ${values.target}?`)
  const target: Target = values.target
  const chosen = SCENARIOS.filter(({ name }) => values.scenario?.includes(name) ?? true)
  if (chosen.length === 0) throw new Error(`--scenario is one of ${SCENARIOS.map(({ name }) => name).join(', ')}`)
  const lack = await lackOfJava()
  if (lack !== undefined) {
    console.log(`n/a   ${lack}\n0 passed, 0 failed, ${chosen.length} skipped`)
    if (process.env['CI'] === 'true') process.exitCode = 1
    return
  }
  const seed = Number(values.seed)
  console.log(`target ${target}, seed ${seed}, ${values.rounds} rounds`)
  let failed = 0
  for (const { name, run } of chosen) {
    const startedMs = performance.now()
    const say = (line: string) => console.log(`      ${line.replaceAll('\n', '\n      ')}`)
    const options = {
      target,
      seed,
      rounds: Number(values.rounds),
      keep: values.keep,
      logLevel: values['log-level'],
      say,
    }
    const error = await run(options).then(
      () => undefined,
      (reason: Error) => reason,
    )
    if (error !== undefined) failed++
    console.log(
      `${error === undefined ? 'pass' : 'FAIL'}  ${name} (${Math.round((performance.now() - startedMs) / 1000)} s)`,
    )
    if (error !== undefined) say(`${error.message}\nagain: --scenario ${name} --seed ${seed} --rounds ${values.rounds}`)
  }
  console.log(`${chosen.length - failed} passed, ${failed} failed, 0 skipped`)
  if (failed > 0) process.exitCode = 1
}

await main()
