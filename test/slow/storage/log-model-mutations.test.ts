import { describe, expect, it } from 'vitest'
import { runMutation } from '../../support/mutation-run.ts'
import { mutations } from '../../support/mutations.ts'

/** A model that cannot fail proves nothing. */
describe('one log with a line made wrong', () => {
  const own = mutations.filter(({ caughtBy }) => caughtBy.includes('log'))

  it.each(own)('$name is noticed by the model: $promise', async (mutation) => {
    const { caught, said } = await runMutation(mutation, 'log')
    expect(caught, said).toBe(true)
  })
})
