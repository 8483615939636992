import { parseArgs } from 'node:util'
import { runPlainly } from './plain.ts'
import { type Shape, shapes } from './shapes.ts'

const USAGE = 'node compat-tests/shapes/run.ts [--without-docker] [--shape NAME …] [--parallel N] [--list]'

interface Outcome {
  readonly name: string
  readonly result: 'pass' | 'FAIL' | 'skip'
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function outcomeOf(shape: Shape, run: (shape: Shape) => Promise<void>): Promise<Outcome> {
  const since = performance.now()
  const took = () => `${String(Math.round(performance.now() - since)).padStart(6)} ms`
  const name = shape.name.padEnd(28)
  try {
    await run(shape)
    print(`${name} pass ${took()}  ${shape.what}`)
    return { name: shape.name, result: 'pass' }
  } catch (error) {
    print(`${name} FAIL ${took()}  ${shape.what}`)
    print((error instanceof Error ? error.message : String(error)).replaceAll(/^/gm, '    '))
    return { name: shape.name, result: 'FAIL' }
  }
}

async function main(): Promise<void> {
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
  const chosen = shapes.filter(({ name }) => values.shape.length === 0 || values.shape.includes(name))
  if (values.list) {
    for (const { name, what, file } of chosen) print(`${name.padEnd(28)} ${what} (${file})`)
    return
  }
  const queue = [...chosen]
  const outcomes: Outcome[] = []
  const worker = async () => {
    for (let shape = queue.shift(); shape !== undefined; shape = queue.shift()) {
      outcomes.push(await outcomeOf(shape, runPlainly))
    }
  }
  await Promise.all(Array.from({ length: Number(values.parallel) }, worker))
  const count = (result: Outcome['result']) => outcomes.filter((outcome) => outcome.result === result).length
  print(`${count('pass')} passed, ${count('FAIL')} failed, ${count('skip')} skipped`)
  process.exitCode = count('FAIL') > 0 || outcomes.length === 0 ? 1 : 0
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`)
  process.exitCode = 1
})
