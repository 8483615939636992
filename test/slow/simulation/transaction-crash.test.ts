import { describe, expect, it } from 'vitest'
import { crashOnce } from '../../simulation/transaction-crash.ts'

const ENDS = ['kill', 'power'] as const
/** `ODRADEK_CRASH_SEEDS=1,3,4` for others: 1 has ten times as many operations. */
const SEEDS = (process.env['ODRADEK_CRASH_SEEDS'] ?? '2,9').split(',').map(Number)

describe('a broker that dies at every disk operation of a few transactions', () => {
  for (const generation of [1, 2] as const) {
    it.each(ENDS)(`leaves each of them whole, generation ${generation}, %s`, { timeout: 300_000 }, async (how) => {
      for (const seed of SEEDS) {
        let operation = 0
        for (; ; operation++) {
          const crash = { seed, generation, how, operation }
          const died = await crashOnce(crash).catch((error: unknown) => {
            throw new Error(JSON.stringify(crash), { cause: error })
          })
          if (!died) break
        }
        // Requests of four transactions write, and sync, at the least this often.
        expect(operation).toBeGreaterThan(40)
      }
    })
  }
})
