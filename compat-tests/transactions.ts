import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { Target } from './broker.ts'
import { checkTransactions, lackForCheck } from './transaction-check/check.ts'
import { ANOMALIES } from './transaction-check/checker.ts'

/**
 * `npm run transactions`: transactional producers and readers of committed records under kill -9, and what of their
 * history transactions do not allow. `--mutate NAME` makes a line of the broker wrong, to see that it is noticed.
 */

const SHOWN = 10

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: 'odradek' },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
      mutate: { type: 'string' },
    },
  })
  const { target } = values
  if (target !== 'odradek' && target !== 'kafka') throw new Error(`--target is odradek or kafka, not ${target}`)
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new Error(`--seconds is a number above 0, not ${values.seconds}`)
  const lack = await lackForCheck()
  if (lack !== null) {
    const isStrict = process.env['CI'] === 'true'
    console.log(`transactions: ${isStrict ? 'failed' : 'skipped'}, ${lack}`)
    console.log(isStrict ? '0 passed, 1 failed' : '0 passed, 0 failed, 1 skipped')
    return isStrict ? 1 : 0
  }
  const seed = Number(values.seed)
  console.log(`${seconds} s against ${target}, seed ${seed}; looking for: ${ANOMALIES.join(', ')}`)
  const mutation = values.mutate ?? null
  const onLine = (line: string) => console.log(line)
  const { anomalies, counts } = await checkTransactions({ target: target as Target, seconds, seed, mutation, onLine })
  console.log(
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', '),
  )
  for (const { kind, what } of anomalies.slice(0, SHOWN)) console.log(`${kind}: ${what}`)
  if (anomalies.length > SHOWN) console.log(`and ${anomalies.length - SHOWN} more`)
  const isRight = mutation === null ? anomalies.length === 0 : anomalies.length > 0
  if (mutation !== null) console.log(isRight ? `${mutation} was noticed` : `nobody noticed ${mutation}`)
  console.log(isRight ? '1 passed, 0 failed' : '0 passed, 1 failed')
  return isRight ? 0 : 1
}

process.exit(await main())
