import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { allWireCases } from '../test/wire/catalog.ts'
import { runCase } from '../test/wire/run-case.ts'
import { fixtureSettings } from '../test/wire/settings.ts'
import { FIXTURES, type WireCase } from '../test/wire/wire-case.ts'
import type { WireTarget } from '../test/wire/wire-test.ts'
import { Broker, type Target } from './broker.ts'

/**
 * The wire cases of test/wire against a broker of either kind: hand-made requests on raw sockets, every answer compared
 * field by field. `npm test` runs them against us; here the same cases run against Apache Kafka.
 */

export interface WireResult {
  readonly name: string
  readonly passed: boolean
  readonly durationMs: number
  /** Why it failed. */
  readonly detail: string
}

export interface WireRun {
  readonly report?: (result: WireResult) => void
  /** Only cases whose name contains one of these; empty for all. */
  readonly only?: readonly string[]
  /** Cases that run at the same time on one broker. */
  readonly parallel?: number
  /** A broker that is there already and has the settings of the default fixture. */
  readonly running?: { readonly host: string; readonly port: number }
}

/** Starts the brokers it needs, runs every case and gives the results; a failed case does not stop the others. */
export async function runWireCases(target: Target, options: WireRun = {}): Promise<readonly WireResult[]> {
  const { report = () => {}, only = [], parallel = 4, running } = options
  const results: WireResult[] = []
  const chosen = allWireCases.filter((one) => only.length === 0 || only.some((part) => nameOf(one).includes(part)))
  for (const fixture of FIXTURES) {
    const cases = chosen.filter((one) => one.fixture === fixture)
    if (cases.length === 0) continue
    if (running !== undefined && fixture === 'default') {
      await runAll(cases, { kind: target, ...running }, parallel, collect)
      continue
    }
    const broker = new Broker(target, fixtureSettings[fixture])
    try {
      await broker.start()
      await runAll(
        cases,
        { kind: target, host: broker.host, port: broker.port },
        fixture === 'fresh' ? 1 : parallel,
        collect,
      )
    } finally {
      await broker.dispose()
    }
  }
  return results

  function collect(result: WireResult): void {
    results.push(result)
    report(result)
  }
}

async function runAll(
  cases: readonly WireCase[],
  target: WireTarget,
  parallel: number,
  report: (result: WireResult) => void,
): Promise<void> {
  const queue = [...cases]
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) report(await resultOf(next, target))
  }
  await Promise.all(Array.from({ length: Math.min(parallel, cases.length) }, worker))
}

async function resultOf(wireCase: WireCase, target: WireTarget): Promise<WireResult> {
  const startMs = performance.now()
  const result = (detail: string) => ({
    name: nameOf(wireCase),
    passed: detail === '',
    durationMs: Math.round(performance.now() - startMs),
    detail,
  })
  try {
    await runCase(wireCase, target)
    return result('')
  } catch (error) {
    return result(error instanceof Error ? `${error.message}\n${placeOf(error)}` : String(error))
  }
}

function placeOf(error: Error): string {
  return error.stack?.split('\n').find((line) => line.includes('/test/wire/cases/')) ?? ''
}

function nameOf({ group, title }: WireCase): string {
  return `${group} > ${title}`
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: 'odradek' },
      port: { type: 'string' },
      case: { type: 'string', multiple: true, default: [] },
      parallel: { type: 'string', default: '4' },
      verbose: { type: 'boolean', default: false },
    },
  })
  const { target } = values
  if (target !== 'odradek' && target !== 'kafka') throw new Error(`--target is odradek or kafka, not ${target}`)
  const results = await runWireCases(target, {
    only: values.case,
    parallel: Number(values.parallel),
    ...(values.port !== undefined && { running: { host: '127.0.0.1', port: Number(values.port) } }),
    report({ name, passed, durationMs, detail }) {
      if (passed && !values.verbose) return
      process.stdout.write(`${passed ? 'pass' : 'FAIL'} ${String(durationMs).padStart(6)} ms  ${name}\n`)
      if (!passed) process.stdout.write(`${detail.replace(/^/gm, '    ')}\n`)
    },
  })
  const failed = results.filter(({ passed }) => !passed).length
  process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`)
  process.exitCode = failed > 0 || results.length === 0 ? 1 : 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exitCode = 1
  })
}
