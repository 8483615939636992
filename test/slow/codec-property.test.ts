import { it } from 'vitest'
import { allMessages, versionsOf } from '../protocol/codec-arbitrary.ts'
import { checkMessage } from '../protocol/codec-checks.ts'
import { fuzzOnce } from '../protocol/codec-fuzzer.ts'

it('compiled and interpreted codecs agree and round-trip, many values', () => {
  for (const message of allMessages) for (const version of versionsOf(message)) checkMessage(message, version, 40, 7)
})

it('damaged messages give a value or a ProtocolError, many seeds', () => {
  for (let seed = 1000; seed < 8000; seed++) fuzzOnce(seed)
})
