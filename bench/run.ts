import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import path from 'node:path'
import { Broker, type Target } from '../compat-tests/broker.ts'
import { consume, type Load, type Measured, produce } from './end-to-end.ts'

/**
 * `npm run bench`: the micro benches, then one end-to-end row beside Apache Kafka, in turns, since this machine's speed
 * drifts. `-- --micro` or `-- --end-to-end` runs one half; `-- --rounds N` repeats the turns.
 */
const only = process.argv.includes('--micro') ? 'micro' : process.argv.includes('--end-to-end') ? 'end-to-end' : 'both'
const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1] ?? Number.NaN) || 3
const MICRO = ['codec', 'crc', 'compression', 'append', 'read', 'server']

function micro(): void {
  for (const name of MICRO) {
    const file = path.join(import.meta.dirname, `${name}.ts`)
    if (!existsSync(file)) continue
    console.log(`\n== ${name}`)
    execFileSync(process.execPath, ['--expose-gc', file], { stdio: 'inherit' })
  }
}

const loads: Record<string, Load> = {
  '1 MB batches, 1 partition': { topic: 'large', partitions: 1, batchBytes: 1_000_000, totalBytes: 1e9, acks: -1 },
  '16 KiB batches, 12 partitions': { topic: 'small', partitions: 12, batchBytes: 16_384, totalBytes: 3e8, acks: -1 },
}

async function round(target: Target): Promise<Map<string, Measured>> {
  const broker = new Broker(target)
  await broker.start()
  const results = new Map<string, Measured>()
  try {
    for (const [name, load] of Object.entries(loads)) {
      results.set(`produce, ${name}`, await produce(broker.port, broker.pid, load))
      results.set(`consume, ${name}`, await consume(broker.port, broker.pid, load))
    }
  } finally {
    await broker.dispose()
  }
  return results
}

async function endToEnd(): Promise<void> {
  const collected: Record<Target, Map<string, Measured>[]> = { odradek: [], kafka: [] }
  for (let at = 0; at < rounds; at++) {
    for (const target of ['kafka', 'odradek'] as const) {
      console.log(`round ${at + 1} of ${rounds}: ${target}`)
      collected[target].push(await round(target))
    }
  }
  console.log(`\nend to end, page cache durability, ${cpus()[0]?.model}, Node ${process.version}, medians of ${rounds}`)
  console.log('| step | Kafka MB/s | Odradek MB/s | ratio | Kafka CPU-s/GB | Odradek CPU-s/GB | ratio |')
  console.log('|---|---:|---:|---:|---:|---:|---:|')
  for (const step of collected.kafka[0]!.keys()) console.log(rowOf(step, collected))
}

function rowOf(step: string, collected: Record<Target, Map<string, Measured>[]>): string {
  const middle = (target: Target, field: keyof Measured) =>
    median(collected[target].map((results) => results.get(step)![field]))
  const speed = [middle('kafka', 'megabytesPerSecond'), middle('odradek', 'megabytesPerSecond')] as const
  const cost = [middle('kafka', 'cpuSecondsPerGigabyte'), middle('odradek', 'cpuSecondsPerGigabyte')] as const
  const cells = [speed[0].toFixed(0), speed[1].toFixed(0), `${(speed[1] / speed[0]).toFixed(2)}x`]
  cells.push(cost[0].toFixed(2), cost[1].toFixed(2), `${(cost[1] / cost[0]).toFixed(2)}x`)
  return `| ${step} | ${cells.join(' | ')} |`
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

if (only !== 'end-to-end') micro()
if (only !== 'micro') await endToEnd()
