import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { prepare } from '../compat-tests/toolchains.ts'
import { CONTENDERS, type Contender } from './broker.ts'
import { ROWS, runAll } from './end-to-end.ts'
import { machine, page, table } from './report.ts'
import { runScale, scaleTable, shapesOf } from './scale.ts'

const USAGE = `npm run bench -- [--micro] [--end-to-end] [--partitions] [--rounds N] [--scale F] [--write]

  --micro        only the parts: codec, CRC, compression, log, sockets
  --end-to-end   only whole brokers beside Apache Kafka, in turns, since the speed of a machine drifts
  --partitions   only ten thousand partitions in one broker
  --rounds N     how often the turns are taken; the table shows medians (3)
  --scale F      a fraction of the load, for a quick look (1)
  --write        puts what was measured into docs/benchmarks.md
`
const MANY_PARTITIONS = 10_000
const MICRO = ['codec', 'crc', 'compression', 'log', 'server']

const { values } = parseArgs({
  options: {
    micro: { type: 'boolean', default: false },
    'end-to-end': { type: 'boolean', default: false },
    partitions: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const [rounds, scale] = [Number(values.rounds), Number(values.scale)]
const isUsable = Number.isInteger(rounds) && rounds > 0 && scale > 0
if (values.help || !isUsable) {
  process.stdout.write(USAGE)
  process.exit(isUsable ? 0 : 1)
}

const all = !values.micro && !values['end-to-end'] && !values.partitions
const parts = all || values.micro ? MICRO.map((name) => ({ name, output: runPart(name) })) : null
const medians = all || values['end-to-end'] ? await endToEnd() : null
const partitions = all || values.partitions ? await manyPartitions() : null
if (values.write) {
  const file = path.join(import.meta.dirname, '..', 'docs', 'benchmarks.md')
  const before = readFileSync(file, 'utf8')
  writeFileSync(file, page(before, { machine: await machine(), rounds, scale, medians, parts, partitions }))
  console.log(`written to ${file}`)
}

function runPart(name: string): string {
  console.log(`\n== ${name}`)
  const file = path.join(import.meta.dirname, `${name}.ts`)
  const { status, stdout } = spawnSync(process.execPath, ['--expose-gc', file], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '1' },
  })
  if (status !== 0) throw new Error(`${file} ended with ${status}\n${stdout}`)
  process.stdout.write(stdout)
  return stdout
}

async function manyPartitions(): Promise<string> {
  const measured = []
  for (const shape of shapesOf(MANY_PARTITIONS * scale)) {
    console.log(`\n== ${shape.topics} x ${shape.partitions} partitions`)
    measured.push({ shape, rows: await runScale(shape) })
  }
  return scaleTable(measured)
}

async function endToEnd(): Promise<Map<Contender, number[]>> {
  const lack = await prepare('kafka')
  if (lack !== undefined) console.log(`without Apache Kafka: ${lack.reason}`)
  const contenders = CONTENDERS.filter((contender) => contender !== 'kafka' || lack === undefined)
  const measured = new Map<Contender, number[][]>(contenders.map((contender) => [contender, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      console.log(`round ${round} of ${rounds}: ${contender}`)
      measured.get(contender)!.push(await runAll(contender, scale))
    }
  }
  const medians = new Map(
    [...measured].map(([contender, all]) => [contender, ROWS.map((_, row) => median(all.map((one) => one[row]!)))]),
  )
  console.log(`\n${table(medians)}`)
  return medians
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}
