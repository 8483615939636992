import { describe, it } from 'vitest'
import { checkChunking, checkDrops, checkGarbage } from '../../server/chunking.ts'

const SEEDS = 500

/** Runs one check over many seeds and says which one failed. */
async function overSeeds(check: (seed: number) => Promise<void>): Promise<void> {
  for (let seed = 1000; seed < 1000 + SEEDS; seed++) {
    await check(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error })
    })
  }
}

describe('over many seeds', () => {
  it('any chunking gives the same replies', () => overSeeds(checkChunking))
  it('connections that break leave nothing behind', () => overSeeds(checkDrops))
  it('random bytes harm nobody', () => overSeeds(checkGarbage))
})
