import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { baseArchive } from '../containers/base-image.ts'
import { type Docker, installEngine, runningEngine, startEngine } from '../containers/docker.ts'
import { buildImage, removeImages, writeImageContext } from '../containers/image.ts'
import {
  bringUpLoopback,
  INSIDE_VARIABLE,
  runInPrivateMachine,
  whyNoPrivateMachine,
} from '../containers/private-machine.ts'
import { runInDocker } from './docker.ts'
import { runPlainly } from './plain.ts'
import { type Shape, shapes } from './shapes.ts'

const USAGE = 'node compat-tests/shapes/run.ts [--without-docker] [--shape NAME …] [--parallel N] [--list]'

type Result = 'pass' | 'FAIL' | 'skip'

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function resultOf(shape: Shape, run: (shape: Shape) => Promise<void>): Promise<Result> {
  const since = performance.now()
  const took = () => `${String(Math.round(performance.now() - since)).padStart(6)} ms`
  const name = shape.name.padEnd(28)
  try {
    await run(shape)
    print(`${name} pass ${took()}  ${shape.what}`)
    return 'pass'
  } catch (error) {
    print(`${name} FAIL ${took()}  ${shape.what}`)
    print((error instanceof Error ? error.message : String(error)).replaceAll(/^/gm, '    '))
    return 'FAIL'
  }
}

async function runAll(
  chosen: readonly Shape[],
  parallel: number,
  run: (shape: Shape) => Promise<void>,
): Promise<number> {
  const queue = [...chosen]
  const results: Result[] = []
  const worker = async () => {
    for (let shape = queue.shift(); shape !== undefined; shape = queue.shift()) results.push(await resultOf(shape, run))
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return finish(results)
}

function finish(results: readonly Result[]): number {
  const count = (wanted: Result) => results.filter((result) => result === wanted).length
  print(`${count('pass')} passed, ${count('FAIL')} failed, ${count('skip')} skipped`)
  return count('FAIL') > 0 || results.length === 0 ? 1 : 0
}

/** Nothing can be tried here. A person is told why; where everything has to be there it is a failure. */
function withoutEngine(chosen: readonly Shape[], reason: string): number {
  const isStrict = process.env['CI'] === 'true'
  print(`${'every shape'.padEnd(28)} ${isStrict ? 'FAIL' : 'skip'}  ${reason}`)
  return finish(isStrict ? ['FAIL'] : chosen.map(() => 'skip'))
}

/** One after the other: they publish the same ports. */
async function runWith(docker: Docker, folder: string, chosen: readonly Shape[]): Promise<number> {
  try {
    await buildImage(docker, path.join(folder, 'context'), (line) => print(`(${line})`))
    return await runAll(chosen, 1, (shape) => runInDocker(shape, docker))
  } finally {
    await removeImages(docker)
    await docker.close()
  }
}

/** With the engine that answers, or one of our own that nobody else sees. */
async function runInEngine(chosen: readonly Shape[]): Promise<number> {
  const inside = process.env[INSIDE_VARIABLE]
  if (inside !== undefined) {
    await bringUpLoopback()
    return runWith(await startEngine(path.join(inside, 'engine')), inside, chosen)
  }
  const there = await runningEngine()
  if (there === null) {
    const reason = (await installEngine(print)) ?? (await whyNoPrivateMachine())
    if (reason !== null) return withoutEngine(chosen, reason)
  } else if (process.platform !== 'linux') {
    return withoutEngine(chosen, 'the stand-in for a base image is made on Linux only')
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'odradek-shapes-'))
  try {
    await baseArchive()
    await writeImageContext(path.join(folder, 'context'), null)
    if (there !== null) return await runWith(there, folder, chosen)
    return await runInPrivateMachine([import.meta.filename, ...process.argv.slice(2)], folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'without-docker': { type: 'boolean', default: false },
      shape: { type: 'string', multiple: true, default: [] },
      parallel: { type: 'string', default: '2' },
      list: { type: 'boolean', default: false },
    },
  })
  for (const name of values.shape) {
    if (!shapes.some((shape) => shape.name === name)) throw new Error(`no shape ${name}; --list shows them`)
  }
  const parallel = Number(values.parallel)
  if (!Number.isInteger(parallel) || parallel < 1) throw new Error('--parallel is a whole number from 1')
  const chosen = shapes.filter(({ name }) => values.shape.length === 0 || values.shape.includes(name))
  if (values.list) {
    for (const { name, what, file } of chosen) print(`${name.padEnd(28)} ${what} (${file})`)
    return 0
  }
  return values['without-docker'] ? runAll(chosen, parallel, runPlainly) : runInEngine(chosen)
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`)
    process.exitCode = 1
  },
)
