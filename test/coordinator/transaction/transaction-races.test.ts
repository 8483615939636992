import { describe, it } from 'vitest'
import { raceForOneId } from './transaction-races.ts'

describe('producers that race for one transactional id', () => {
  it('no identity is given to two, nothing decided is taken back, and epochs never go back', () => {
    raceForOneId(100)
  })
})
