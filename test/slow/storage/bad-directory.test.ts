import { beforeAll, describe, expect, it } from 'vitest'
import { SimulatedRandom } from '../../../src/io/simulated-random.ts'
import { type Prepared, prepare, problemsOf, STATES } from './bad-directory.ts'
import { damagesOf } from './damage.ts'
import { FILES } from './damaged-broker.ts'

/** `ODRADEK_DAMAGE=all` for every damage, a number for the sample of that seed. */
const wanted = process.env['ODRADEK_DAMAGE']
const seed = wanted === undefined || wanted === 'all' ? Date.now() % 1_000_000 : Number(wanted)
const random = wanted === 'all' ? null : new SimulatedRandom(seed)
const how = random === null ? 'every damage' : `ODRADEK_DAMAGE=${seed}`

let prepared: Prepared

beforeAll(async () => {
  prepared = await prepare()
})

describe(`a broker on a data directory with one damaged file (${how})`, () => {
  for (const state of STATES) {
    it.each(FILES)(`${state}: %s`, { timeout: 600_000 }, async (name) => {
      const tree = prepared.trees.get(state)!
      const path = `/data/${name}`
      const content = tree.get(path)
      if (!content) return
      const wrong: string[] = []
      for (const damage of damagesOf(path, content, random)) {
        const problems = await problemsOf(prepared.whole, tree, path, damage)
        wrong.push(...problems.map((problem) => `${damage.name}: ${problem}`))
      }
      expect(wrong).toEqual([])
    })
  }
})
