import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type DiskBudgetState,
  type DiskLevel,
  excessBytes,
  isUnderPressure,
  mustDelete,
  nextState,
} from '../../src/broker/disk-gauge.ts'

function level(usedBytes: number, leavingBytes = 0): DiskLevel {
  return { usedBytes, leavingBytes, highBytes: 100, lowBytes: 80 }
}

/** The states that the levels lead through, from an open budget on. */
function states(levels: readonly DiskLevel[]): DiskBudgetState[] {
  let state: DiskBudgetState = 'open'
  return levels.map((each) => {
    state = nextState(state, each)
    return state
  })
}

describe('the state of a disk budget', () => {
  it('is open up to the high mark, rejects above it, and opens again at the low one only', () => {
    const found = states([100, 101, 100, 81, 80, 99, 101].map((used) => level(used)))
    expect(found).toEqual(['open', 'rejecting', 'rejecting', 'rejecting', 'open', 'open', 'rejecting'])
  })

  it('does not reject for the sake of files that are on their way out', () => {
    expect(states([level(120, 30), level(115, 15), level(90, 5), level(80, 0)])).toEqual([
      'deleting',
      'deleting',
      'deleting',
      'open',
    ])
  })

  it('rejects when what stays passes the high mark again while files are still leaving', () => {
    expect(states([level(120, 30), level(131, 30)])).toEqual(['deleting', 'rejecting'])
  })

  it('deletes nothing while files that are leaving bring it below the high mark by themselves', () => {
    expect(mustDelete('open', level(120, 30))).toBe(false)
    expect(mustDelete('deleting', level(120, 19))).toBe(true)
    expect(mustDelete('open', level(100))).toBe(false)
  })

  it('deletes down to the low mark where producers are waiting', () => {
    expect(mustDelete('rejecting', level(81))).toBe(true)
    expect(mustDelete('rejecting', level(81, 1))).toBe(false)
  })
})

const arbitraryLevel = fc
  .record({
    usedBytes: fc.nat(200),
    leavingBytes: fc.nat(200),
    highBytes: fc.integer({ min: 2, max: 200 }),
    lowBytes: fc.nat(200),
  })
  .filter(({ usedBytes, leavingBytes, highBytes, lowBytes }) => leavingBytes <= usedBytes && lowBytes < highBytes)
const arbitraryState = fc.constantFrom<DiskBudgetState>('open', 'deleting', 'rejecting')

it('property: neither does anything at or below the low mark, nor nothing above the high one', () => {
  fc.assert(
    fc.property(arbitraryState, arbitraryLevel, (state, each) => {
      const { usedBytes, leavingBytes, highBytes, lowBytes } = each
      const next = nextState(state, each)
      if (usedBytes <= lowBytes) {
        expect(next).toBe('open')
        expect(mustDelete(state, each)).toBe(false)
      }
      if (usedBytes > highBytes) expect(next).not.toBe('open')
      if (usedBytes - leavingBytes > highBytes) expect(next).toBe('rejecting')
      if (mustDelete(state, each)) {
        expect(isUnderPressure(state, each)).toBe(true)
        expect(excessBytes(each)).toBeGreaterThan(0)
      }
      // What is decided holds: without a change of the level there is no change of the state.
      expect(nextState(next, each)).toBe(next)
    }),
    { numRuns: 2000 },
  )
})
