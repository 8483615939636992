import { describe, expect, it } from 'vitest'
import { crashRounds } from './metadata-crash.ts'

describe('metadata after a power cut', () => {
  it.each([...Array(25).keys()])('has what was acknowledged (seed %i)', (seed) => crashRounds(seed, 1024 * 1024))

  it.each([...Array(25).keys()])('has what was acknowledged, with a snapshot every few changes (seed %i)', (seed) =>
    crashRounds(1000 + seed, 1),
  )

  it('is lost by a disk that lies about its syncs, or this test would prove nothing', async () => {
    const outcomes = await Promise.allSettled([...Array(10).keys()].map((seed) => crashRounds(seed, 1024 * 1024, true)))
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true)
  })
})
