import { describe, expect, it } from 'vitest'
import { simulate } from './simulation.ts'

const STEPS = 4000

/** What a person needs to see it again. */
function explain({ seed, violation, trace }: Awaited<ReturnType<typeof simulate>>): string {
  return `npm run simulate -- --seed ${seed} --steps ${STEPS}\n${trace.slice(-20).join('\n')}\n${violation?.stack}`
}

describe('a whole broker on a seed', () => {
  it.each([1, 2])('keeps every promise, seed %i', async (seed) => {
    const result = await simulate({ seed, steps: STEPS })
    expect(result.violation, explain(result)).toBeNull()
    expect(result.counts['acknowledged']).toBeGreaterThan(0)
  })

  it('the same seed is the same run', async () => {
    const [first, second] = [await simulate({ seed: 9, steps: STEPS }), await simulate({ seed: 9, steps: STEPS })]
    expect(first.digest).toBe(second.digest)
    expect((await simulate({ seed: 10, steps: STEPS })).digest).not.toBe(first.digest)
  })

  it('mutation: a disk whose syncs do nothing breaks a promise within a few seeds', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { violation } = await simulate({ seed, steps: STEPS, ignoresSync: true })
      if (violation !== null) return
    }
    throw new Error('nobody noticed in thirty seeds that nothing was ever synced')
  })
})
