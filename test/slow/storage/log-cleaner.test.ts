import { describe, it } from 'vitest'
import { crashInRound } from '../../storage/cleaner-crash.ts'

/** `ODRADEK_SEEDS=100000 npx vitest run --project slow test/slow/storage` for a long run; ODRADEK_SEED begins elsewhere. */
const SEEDS = Number(process.env['ODRADEK_SEEDS'] ?? 400)
const FIRST = Number(process.env['ODRADEK_SEED'] ?? 1000)

describe('power cuts in the middle of compaction, many seeds', () => {
  it(`${SEEDS} seeds from ${FIRST}`, { timeout: 3_600_000 }, async () => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) await crashInRound(seed)
  })
})
