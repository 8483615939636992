import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compiledCodec } from '../../protocol/codec/codec.ts'
import { allMessages, arbitraryOf, versionsOf } from '../protocol/codec-arbitrary.ts'
import { checkMessage, decodeWith, encodeWith } from '../protocol/codec-checks.ts'
import { fuzzOnce } from '../protocol/codec-fuzzer.ts'

it('compiled and interpreted codecs agree and round-trip, many values', () => {
  for (const message of allMessages) for (const version of versionsOf(message)) checkMessage(message, version, 40, 7)
})

it('damaged messages give a value or a ProtocolError, many seeds', () => {
  for (let seed = 1000; seed < 8000; seed++) fuzzOnce(seed)
})

it('a message cut off at any byte is a ProtocolError, every message in every version', () => {
  for (const message of allMessages) {
    for (const version of versionsOf(message)) {
      const [value] = fc.sample(arbitraryOf(message, version), { seed: 9, numRuns: 1 })
      const codec = compiledCodec(message, version)
      const whole = encodeWith(codec, value)
      for (let length = 0; length < whole.length; length++) {
        const outcome = decodeWith(codec, whole.subarray(0, length))
        if ('value' in outcome)
          expect.fail(`${message.name} v${version} is complete after ${length} of ${whole.length}`)
      }
    }
  }
})
