import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { baseArchive } from './base-image.ts'
import { type Docker, installEngine, runningEngine, startEngine } from './docker.ts'
import { buildImage, removeImages, writeImageContext } from './image.ts'
import { type Language, prepareLanguage } from './languages.ts'
import { bringUpLoopback, INSIDE_VARIABLE, runInPrivateMachine, whyNoPrivateMachine } from './private-machine.ts'
import { NotTried, type Scenario } from './scenario.ts'
import { documentScenarios } from './scenarios/documents.ts'
import { imageScenarios } from './scenarios/image.ts'
import { languageScenarios } from './scenarios/languages.ts'
import { networkScenarios } from './scenarios/network.ts'
import { nodeScenarios } from './scenarios/node.ts'
import { ourClassScenarios } from './scenarios/our-class.ts'
import { replayScenarios } from './scenarios/replays.ts'
import { toolScenarios } from './scenarios/tools.ts'

const USAGE = 'node compat-tests/containers/run.ts [--tarball FILE] [--scenario TEXT …] [--list]'
const MISSING_VARIABLE = 'ODRADEK_CONTAINERS_MISSING'
const isStrict = process.env['CI'] === 'true'

const scenarios: readonly Scenario[] = [
  ...imageScenarios,
  ...toolScenarios,
  ...networkScenarios,
  ...nodeScenarios,
  ...ourClassScenarios,
  ...languageScenarios,
  ...replayScenarios,
  ...documentScenarios,
]

interface CommandLine {
  readonly chosen: readonly Scenario[]
  readonly tarball: string | null
  readonly list: boolean
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

type Missing = Partial<Record<Language, string>>

function parseCommandLine(): CommandLine {
  const { values } = parseArgs({
    options: {
      tarball: { type: 'string' },
      scenario: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
    },
  })
  const wanted = values.scenario
  const chosen = scenarios.filter(({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text)))
  if (chosen.length === 0) throw new Error(`no scenario has ${wanted.join(' or ')} in its name; --list shows them`)
  return { chosen, tarball: values.tarball ?? null, list: values.list }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function printResult(name: string, outcome: string, detail: string, notes: readonly string[] = []): void {
  print(`${name.padEnd(64)} ${outcome.padEnd(4)} ${detail}`)
  for (const note of notes) print(`    ${note}`)
}

function finish({ passed, failed, skipped }: Counts): number {
  print(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  return failed > 0 || passed + skipped === 0 ? 1 : 0
}

/** Nothing can be tried here. A person is told why; where everything has to be there it is a failure. */
function withoutEngine(reason: string): number {
  printResult('every scenario', isStrict ? 'FAIL' : 'skip', reason)
  return finish({ passed: 0, failed: isStrict ? 1 : 0, skipped: isStrict ? 0 : scenarios.length })
}

/** What has to be fetched is fetched while there is a network. */
async function prepareLanguages(chosen: readonly Scenario[]): Promise<Missing> {
  const missing: Missing = {}
  for (const language of new Set(chosen.flatMap(({ needs }) => needs ?? []))) {
    const reason = await prepareLanguage(language).catch((error: unknown) => `cannot be fetched: ${String(error)}`)
    if (reason !== null) missing[language] = reason
  }
  return missing
}

async function runScenario(scenario: Scenario, docker: Docker, folder: string, counts: Counts): Promise<void> {
  const notes: string[] = []
  const start = performance.now()
  const detail = () => `${String(Math.round(performance.now() - start)).padStart(6)} ms`
  try {
    await scenario.run({ docker, folder, note: (line) => notes.push(line) })
    counts.passed++
    printResult(scenario.name, 'pass', detail(), notes)
  } catch (error) {
    if (error instanceof NotTried) {
      counts.skipped++
      printResult(scenario.name, 'skip', error.message, notes)
      return
    }
    counts.failed++
    printResult(scenario.name, 'FAIL', detail(), notes)
    print(String(error instanceof Error ? error.stack : error).replaceAll(/^/gm, '    '))
  }
}

async function runAll(docker: Docker, folder: string, chosen: readonly Scenario[], missing: Missing): Promise<number> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  // Read by the Testcontainers of every language. Their helper that cleans up is an image that cannot be had here.
  Object.assign(process.env, docker.environment, {
    TESTCONTAINERS_RYUK_DISABLED: 'true',
    TESTCONTAINERS_HOST_OVERRIDE: '127.0.0.1',
  })
  try {
    await buildImage(docker, join(folder, 'context'), (line) => print(`(${line})`))
    for (const scenario of chosen) {
      const reason = scenario.needs === undefined ? undefined : missing[scenario.needs]
      if (reason === undefined) await runScenario(scenario, docker, folder, counts)
      else {
        counts[isStrict ? 'failed' : 'skipped']++
        printResult(scenario.name, isStrict ? 'FAIL' : 'skip', reason)
      }
    }
  } finally {
    await removeImages(docker)
    await docker.close()
  }
  return finish(counts)
}

async function main(): Promise<number> {
  const { chosen, tarball, list } = parseCommandLine()
  if (list) {
    for (const { name, needs } of chosen) print(`${name.padEnd(64)} ${needs ?? ''}`)
    return 0
  }
  const inside = process.env[INSIDE_VARIABLE]
  if (inside !== undefined) {
    await bringUpLoopback()
    const missing = JSON.parse(process.env[MISSING_VARIABLE]!) as Missing
    return runAll(await startEngine(join(inside, 'engine')), inside, chosen, missing)
  }
  const there = await runningEngine()
  if (there === null) {
    const reason = (await installEngine((line) => print(line))) ?? (await whyNoPrivateMachine())
    if (reason !== null) return withoutEngine(reason)
  } else if (process.platform !== 'linux') return withoutEngine('the stand-in for a base image is made on Linux only')
  const folder = mkdtempSync(join(tmpdir(), 'odradek-containers-'))
  // Also when a signal ends us; the processes of the engine may take a moment to be gone.
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
  const missing = await prepareLanguages(chosen)
  await baseArchive()
  await writeImageContext(join(folder, 'context'), tarball)
  if (there !== null) return await runAll(there, folder, chosen, missing)
  process.env[MISSING_VARIABLE] = JSON.stringify(missing)
  return await runInPrivateMachine([fileURLToPath(import.meta.url), ...process.argv.slice(2)], folder)
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n${USAGE}\n`)
    process.exitCode = 1
  },
)
