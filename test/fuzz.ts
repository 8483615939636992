import { parseArgs } from 'node:util'
import { fuzzOnce } from './protocol/codec-fuzzer.ts'

/** `npm run fuzz -- --seconds 60 --seed 1`: damaged messages against the codec; a failure prints the seed to repeat. */
const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } })
const seconds = Number(values.seconds ?? 60)
const firstSeed = Number(values.seed ?? Date.now() % 2 ** 31)
if (!(seconds > 0) || !Number.isInteger(firstSeed)) throw new TypeError('--seconds and --seed take numbers')

console.log(`fuzzing for ${seconds} s from seed ${firstSeed}`)
const end = performance.now() + seconds * 1000
let seed = firstSeed
for (; performance.now() < end; seed++) {
  try {
    fuzzOnce(seed)
  } catch (error) {
    console.error(`seed ${seed} failed; repeat with: npm run fuzz -- --seconds 1 --seed ${seed}`)
    throw error
  }
}
console.log(`${seed - firstSeed} messages, twenty damaged forms each: all well`)
