import { describe, it } from 'vitest'
import { checkChunking, checkDrops, checkGarbage } from './chunking.ts'

const seeds = [1, 2, 3, 4, 5, 6, 7, 8]

describe('any chunking gives the same replies', () => {
  it.each(seeds)('seed %i', (seed) => checkChunking(seed))
})

describe('connections that break leave nothing behind', () => {
  it.each(seeds)('seed %i', (seed) => checkDrops(seed))
})

describe('random bytes harm nobody', () => {
  it.each(seeds)('seed %i', (seed) => checkGarbage(seed))
})
