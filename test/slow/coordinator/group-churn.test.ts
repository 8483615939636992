import { it } from 'vitest'
import { GroupChurn } from '../../coordinator/group-churn.ts'

const FIRST_SEED = 1000
const SEEDS = 300

it(`a group in churn, seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}`, () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    try {
      new GroupChurn(seed).run(800)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})
