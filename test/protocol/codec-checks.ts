import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { type Codec, compiledCodec, interpretedCodec } from '../../protocol/codec/codec.ts'
import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import type { Message } from '../../protocol/codec/schema.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import { arbitraryOf, expectedOf } from './codec-arbitrary.ts'

type Outcome = { readonly value: unknown; readonly offset: number } | { readonly error: string }

export function encodeWith(codec: Codec<unknown, unknown>, value: unknown): Buffer {
  const writer = new Writer(16)
  codec.encode(writer, value)
  const { size } = writer
  const bytes = writer.bytes()
  if (bytes.length !== size) throw new Error(`size said ${size}, ${bytes.length} bytes came`)
  return bytes
}

/** A value or a ProtocolError; whatever else is thrown is a fault of the codec and goes on. */
export function decodeWith(codec: Codec<unknown, unknown>, bytes: Buffer): Outcome {
  const reader = new Reader(bytes)
  try {
    const value = codec.decode(reader)
    return { value, offset: reader.offset }
  } catch (error) {
    if (error instanceof ProtocolError) return { error: error.message }
    throw error
  }
}

/** Compiled and interpreted code agree on bytes and values, and what was written is what is read. */
export function checkMessage(message: Message, version: number, numRuns: number, seed: number): void {
  const compiled = compiledCodec(message, version)
  const interpreted = interpretedCodec(message, version)
  const property = fc.property(arbitraryOf(message, version), (value) => {
    const bytes = encodeWith(compiled, value)
    if (!bytes.equals(encodeWith(interpreted, value))) throw new Error('compiled and interpreted bytes differ')
    const decoded = decodeWith(compiled, bytes)
    if (!isDeepStrictEqual(decoded, decodeWith(interpreted, bytes))) throw new Error('decoded values differ')
    const expected = { value: expectedOf(message, value), offset: bytes.length }
    if (!isDeepStrictEqual(decoded, expected)) throw new Error(`decoded ${JSON.stringify(decoded)}`)
    if ('value' in decoded) checkOrder(message, decoded.value as object)
  })
  try {
    fc.assert(property, { numRuns, seed })
  } catch (error) {
    throw new Error(`${message.name} version ${version}`, { cause: error })
  }
}

function checkOrder(message: Message, decoded: object): void {
  const inOrder = message.fields.map(([name]) => name)
  if (!isDeepStrictEqual(Object.keys(decoded), inOrder)) throw new Error('fields are not in the order of the schema')
}

/** Any bytes give the same value or the same ProtocolError in both, and what they give can be written and read again. */
export function checkBytes(message: Message, version: number, bytes: Buffer): void {
  const compiled = compiledCodecOf(message, version)
  const outcome = decodeWith(compiled, bytes)
  const model = decodeWith(interpretedCodec(message, version), bytes)
  const context = () => `${message.name} version ${version}, bytes ${bytes.toString('hex')}`
  if (!isDeepStrictEqual(outcome, model)) {
    throw new Error(`compiled: ${JSON.stringify(outcome)}, interpreted: ${JSON.stringify(model)}: ${context()}`)
  }
  if ('error' in outcome) return
  const again = decodeWith(compiled, encodeWith(compiled, outcome.value))
  if ('error' in again || !isDeepStrictEqual(again.value, outcome.value)) {
    throw new Error(`not the same after writing and reading again: ${context()}`)
  }
}

const compiledCodecs = new Map<string, Codec<unknown, unknown>>()

function compiledCodecOf(message: Message, version: number): Codec<unknown, unknown> {
  const key = `${message.name} ${version}`
  const codec = compiledCodecs.get(key) ?? compiledCodec(message, version)
  compiledCodecs.set(key, codec)
  return codec
}
