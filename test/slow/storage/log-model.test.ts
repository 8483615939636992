import { describe, it } from 'vitest'
import { runSeed } from '../../storage/log-model.ts'

/** `ODRADEK_SEEDS=100000 npx vitest run --project slow test/slow/storage` for a long run; ODRADEK_SEED begins elsewhere. */
const SEEDS = Number(process.env['ODRADEK_SEEDS'] ?? 480)
const FIRST = Number(process.env['ODRADEK_SEED'] ?? 1000)

describe('a log beside its model, many seeds', () => {
  it(`${SEEDS} seeds from ${FIRST}`, { timeout: 3_600_000 }, async () => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) await runSeed({ seed, steps: 200 })
  })
})
