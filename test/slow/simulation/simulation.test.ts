import { expect, it } from 'vitest'
import { DEFAULT_STEPS, simulate } from '../../simulation/simulation.ts'

/** `ODRADEK_SEED` begins elsewhere, `ODRADEK_SIMULATIONS` runs more; the soak does both. */
const FIRST = Number(process.env['ODRADEK_SEED'] ?? 100)
const SEEDS = Number(process.env['ODRADEK_SIMULATIONS'] ?? 23)

it(`whole brokers on seeds ${FIRST} to ${FIRST + SEEDS - 1} keep every promise`, { timeout: 600_000 }, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { violation } = await simulate({ seed, steps: DEFAULT_STEPS })
    expect(violation, `npm run simulate -- --seed ${seed}`).toBeNull()
  }
})
