import { afterEach, describe, expect, it } from 'vitest'
import { endAll } from '../../support/process.ts'
import { killRounds } from './kill.ts'

/** `ODRADEK_KILLS=100 npx vitest run --project slow test/slow/process/kill.test.ts`; ODRADEK_SEED repeats the moments. */
const KILLS = Number(process.env['ODRADEK_KILLS'] ?? 10)
const SEED = Number(process.env['ODRADEK_SEED'] ?? Math.floor(Math.random() * 1e9))

describe('kill -9', () => {
  afterEach(endAll)

  it(`${KILLS} times from seed ${SEED}: nothing that kafkajs was told is lost, moved or taken back`, {
    timeout: 60_000 + KILLS * 20_000,
  }, async () => {
    const figures = await killRounds({ kills: KILLS, seed: SEED })
    expect(figures.acknowledged).toBeGreaterThan(0)
    expect(figures.commits).toBeGreaterThan(0)
    expect(figures.read).toBeGreaterThanOrEqual(figures.acknowledged)
  })
})
