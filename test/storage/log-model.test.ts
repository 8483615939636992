import { describe, expect, it } from 'vitest'
import { runSeed } from './log-model.ts'

describe('a log beside its model', () => {
  for (let first = 1; first <= 20; first += 10) {
    it(`seeds ${first} to ${first + 9}: appends, crashes and restarts keep what was promised`, async () => {
      for (let seed = first; seed < first + 10; seed++) await runSeed({ seed, steps: 120 })
    })
  }

  it('a recovery point that goes back to the base of its segment finds the producers there, seed 202975', async () => {
    await runSeed({ seed: 202_975, steps: 200 })
  })

  it('a damaged transaction index below the log start has nothing read again, seed 101659', async () => {
    await runSeed({ seed: 101_659, steps: 200 })
  })

  it('a snapshot that is written once more is never half written, seed 406938', async () => {
    await runSeed({ seed: 406_938, steps: 200 })
  })

  // A model that cannot fail proves nothing: with a disk that only pretends to sync it has to.
  it('notices a disk that ignores syncs', async () => {
    let failures = 0
    for (let seed = 1; seed <= 20; seed++) {
      await runSeed({ seed, steps: 120, ignoresSync: true }).catch(() => failures++)
    }
    expect(failures).toBeGreaterThan(0)
  })
})
