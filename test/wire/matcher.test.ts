import { describe, expect, it } from 'vitest'
import { Writer } from '../../protocol/codec/writer.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { atLeast, differences, inAnyOrder, including, like, perhaps, text, without } from './matcher.ts'
import { completeExpectation, presentFields } from './present-fields.ts'
import { decodeAnswer } from './wire-client.ts'

describe('comparing an answer with what was expected', () => {
  it('names every difference with its path', () => {
    const found = differences({ a: 1, b: [{ c: 'x' }] }, { a: 2, b: [{ c: 'y' }] }, 'answer')
    expect(found).toEqual(['answer.a: 1 instead of 2', "answer.b[0].c: 'x' instead of 'y'"])
  })

  it('does not let a field pass that nobody stated, nor one that is missing', () => {
    expect(differences({ a: 1, b: 2 }, { a: 1 }, 'answer')).toHaveLength(1)
    expect(differences({ a: 1 }, { a: 1, b: 2 }, 'answer')).toHaveLength(1)
  })

  it('compares bytes, lengths of arrays, null and the empty string as different things', () => {
    expect(differences(Buffer.from('ab'), Buffer.from('ac'), 'x')).toHaveLength(1)
    expect(differences([1, 2], [1], 'x')).toHaveLength(1)
    expect(differences(null, '', 'x')).toHaveLength(1)
    expect(differences(null, Buffer.alloc(0), 'x')).toHaveLength(1)
    expect(differences([], null, 'x')).toHaveLength(1)
  })

  it('has matchers that fail', () => {
    expect(differences(4, atLeast(5), 'x')).toHaveLength(1)
    expect(differences([1, 2], inAnyOrder(2, 3), 'x')).toHaveLength(1)
    expect(differences([1, 2, 3], inAnyOrder(1, 2), 'x')).toHaveLength(1)
    expect(differences([1, 2], including(3), 'x')).toHaveLength(1)
    expect(differences([1, 2], without(2), 'x')).toHaveLength(1)
    expect(differences('', perhaps(text), 'x')).toHaveLength(1)
    expect(differences({ a: 1 }, like<{ a: number }>({ a: 2 }), 'x')).toHaveLength(1)
  })

  it('has matchers that hold', () => {
    expect(differences([1, 2], inAnyOrder(2, 1), 'x')).toEqual([])
    expect(differences([1, 2], including(2), 'x')).toEqual([])
    expect(differences(null, perhaps(text), 'x')).toEqual([])
    expect(differences({ a: 1, b: 2 }, like<{ a: number }>({ a: 1 }), 'x')).toEqual([])
  })
})

describe('an expectation for all versions', () => {
  const partition = { index: 0, errorCode: 0, baseOffset: 0, recordErrors: [], errorMessage: null }
  const answer = { responses: [{ name: 'a', topicId: 'b', partitionResponses: [partition] }] }

  it('is reduced to the fields of the version', () => {
    const fields = (version: number) => JSON.stringify(presentFields(Produce.response, version, answer))
    expect(fields(7)).not.toContain('recordErrors')
    expect(fields(8)).toContain('recordErrors')
    expect(fields(12)).toContain('"name"')
    expect(fields(13)).not.toContain('"name"')
  })

  it('states the defaults of tagged fields, in matchers too', () => {
    const inMatcher = { responses: inAnyOrder(...answer.responses) }
    const complete = completeExpectation(Produce.response, 10, inMatcher) as { responses: { rule: string } }
    expect(complete.responses.rule).toContain('currentLeader')
    expect(completeExpectation(Produce.response, 9, answer)).not.toHaveProperty('nodeEndpoints')
    expect(completeExpectation(Produce.response, 10, answer)).toHaveProperty('nodeEndpoints', [])
  })

  it('refuses a field that no version has', () => {
    expect(() => presentFields(Produce.response, 9, { nonsense: 1 })).toThrow('there is no field nonsense')
  })
})

describe('decoding an answer', () => {
  const frame = (...bytes: number[]) => Buffer.from([0, 0, 0, 7, ...bytes])

  it('takes the bytes that our encoder would write', () => {
    expect(decodeAnswer(Heartbeat, 4, 7, frame(0, 0, 0, 0, 0, 0, 25, 0))).toEqual({ throttleTimeMs: 0, errorCode: 25 })
  })

  it('refuses bytes left over, another correlation id, and tags that need not be there', () => {
    expect(() => decodeAnswer(Heartbeat, 4, 7, frame(0, 0, 0, 0, 0, 0, 25, 0, 0))).toThrow('behind the Heartbeat')
    expect(() => decodeAnswer(Heartbeat, 4, 8, frame(0, 0, 0, 0, 0, 0, 25, 0))).toThrow('correlation id 7')
    expect(() => decodeAnswer(Heartbeat, 4, 7, frame(0, 0, 0, 0, 0, 0, 25, 1, 9, 0))).toThrow('not canonical')
  })

  it('refuses a tagged field that holds its default', () => {
    const writer = new Writer()
    writer.int32(7)
    writer.uvarint(0)
    writer.uvarint(1)
    writer.int32(0)
    // One tag, number 0, of one byte: an empty list of node endpoints.
    for (const byte of [1, 0, 1, 1]) writer.int8(byte)
    expect(() => decodeAnswer(Produce, 10, 7, writer.bytes())).toThrow('not canonical')
  })
})
