import { describe, it } from 'vitest'
import { crashRounds } from '../metadata/metadata-crash.ts'

describe('metadata after many power cuts', () => {
  it.each([...Array(20).keys()])('has what was acknowledged (50 seeds from %i00)', async (hundred) => {
    for (let seed = 0; seed < 25; seed++) {
      await crashRounds(hundred * 100 + seed, 1024 * 1024)
      await crashRounds(hundred * 100 + 50 + seed, 1)
    }
  })
})
