import fc from 'fast-check'
import { compiledCodec } from '../../protocol/codec/codec.ts'
import { allMessages, arbitraryOf, versionsOf } from './codec-arbitrary.ts'
import { checkBytes, encodeWith } from './codec-checks.ts'

type Random = (below: number) => number

/** Mulberry32: small, fast, the same on every machine. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}

/** The lengths an attacker tries first, as int32 and as uvarint. */
const hostileWords = ['7fffffff', '80000000', 'ffffffff', 'fffffffe', '00000000', 'ffffffff0f', 'ffffffffff7f', '8000']

/** One well-formed message of a random kind, damaged in twenty ways, and each handed to `checkBytes`. */
export function fuzzOnce(seed: number): void {
  const random = randomOf(seed)
  const message = allMessages[random(allMessages.length)]!
  const versions = versionsOf(message)
  const version = versions[random(versions.length)]!
  const [value] = fc.sample(arbitraryOf(message, version), { seed, numRuns: 1 })
  const wellFormed = encodeWith(compiledCodec(message, version), value)
  for (let i = 0; i < 20; i++) checkBytes(message, version, damaged(wellFormed, random))
}

function damaged(bytes: Buffer, random: Random): Buffer {
  let result: Buffer = bytes
  for (let rounds = 1 + random(3); rounds > 0; rounds--) result = damagedOnce(result, random)
  return result
}

function damagedOnce(bytes: Buffer, random: Random): Buffer {
  const at = random(bytes.length + 1)
  const word = Buffer.from(hostileWords[random(hostileWords.length)]!, 'hex')
  const noise = Buffer.from(Array.from({ length: random(12) }, () => random(256)))
  switch (random(6)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at + word.length)])
    case 2:
      return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at)])
    case 3:
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at + random(noise.length + 1))])
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1))])
    default: {
      const changed = Buffer.from(bytes)
      if (at < changed.length) changed[at] = changed[at]! ^ (1 << random(8))
      return changed
    }
  }
}
