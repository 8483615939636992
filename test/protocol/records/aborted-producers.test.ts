import { describe, expect, it } from 'vitest'
import { AbortedProducers } from '../../../protocol/records/aborted-producers.ts'
import { CONTROL_FLAG, TRANSACTIONAL_FLAG } from '../../../protocol/records/batch.ts'

const MARKER = CONTROL_FLAG | TRANSACTIONAL_FLAG

function batch(baseOffset: number, producerId: number, attributes: number) {
  return { baseOffset, lastOffsetDelta: 1, producerId, attributes }
}

describe('a reader of committed data', () => {
  it('passes over markers and what was aborted, and over nothing else', () => {
    const aborted = new AbortedProducers([
      { producerId: 7, firstOffset: 8 },
      { producerId: 7, firstOffset: 0 },
    ])
    const seen = [
      batch(0, 7, TRANSACTIONAL_FLAG), // aborted
      batch(2, 8, TRANSACTIONAL_FLAG), // somebody else's
      batch(4, -1, 0), // nobody's
      batch(6, 7, MARKER), // ends the first
      batch(7, 7, TRANSACTIONAL_FLAG), // holds the beginning of the second
      batch(10, 7, MARKER),
      batch(12, 7, TRANSACTIONAL_FLAG), // committed
    ]
    expect(seen.map((one) => aborted.hides(one))).toEqual([true, false, false, true, true, true, false])
  })
})
