import { describe, it } from 'vitest'
import { raceForOneId } from '../../coordinator/transaction/transaction-races.ts'

describe('producers that race for one transactional id, many times', () => {
  it('no identity is given to two, nothing decided is taken back, and epochs never go back', () => {
    raceForOneId(2500)
  })
})
