import { expect, it } from 'vitest'
import { allMessages, versionsOf } from './codec-arbitrary.ts'
import { checkMessage } from './codec-checks.ts'
import { fuzzOnce } from './codec-fuzzer.ts'

it('covers the messages of all APIs and record types', () => {
  expect(allMessages.length).toBeGreaterThan(180)
  expect(new Set(allMessages.map((message) => message.name)).size).toBe(allMessages.length)
})

it('compiled and interpreted codecs agree and round-trip, every message in every version', () => {
  for (const message of allMessages) for (const version of versionsOf(message)) checkMessage(message, version, 3, 42)
})

it('damaged messages give a value or a ProtocolError, from a fixed seed', () => {
  for (let seed = 1; seed <= 300; seed++) fuzzOnce(seed)
})
