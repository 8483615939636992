import { canCompile, compileDecoder, compileEncoder } from './compile.ts'
import { decoderSource } from './compile-decoder.ts'
import { encoderSource } from './compile-encoder.ts'
import { interpretDecode, interpretEncode } from './interpret.ts'
import type { Reader } from './reader.ts'
import { type Decoded, type Encodable, inRange, type Message } from './schema.ts'
import { Writer } from './writer.ts'

export interface Codec<T, I> {
  /** Reads one message and leaves the reader behind it. Throws ProtocolError, never anything else. */
  readonly decode: (reader: Reader) => T
  /** Throws ProtocolError when a required field is missing or the version cannot carry a value. */
  readonly encode: (writer: Writer, value: I) => void
}

const codecs = new WeakMap<Message, (Codec<unknown, unknown> | undefined)[]>()
let compiles: boolean | undefined

/** The codec of one message in one version: made once, compiled at its first use, direction by direction. */
export function codecOf<M extends Message>(message: M, version: number): Codec<Decoded<M>, Encodable<M>> {
  let byVersion = codecs.get(message)
  if (byVersion === undefined) codecs.set(message, (byVersion = []))
  const codec = (byVersion[version] ??= lazyCodec(message, version))
  return codec as Codec<Decoded<M>, Encodable<M>>
}

function lazyCodec(message: Message, version: number): Codec<unknown, unknown> {
  if (!inRange(message.versions, version) || !Number.isInteger(version)) {
    throw new RangeError(`${message.name} has no version ${version}`)
  }
  compiles ??= canCompile()
  return compiles ? compiledCodec(message, version) : interpretedCodec(message, version)
}

/** Each direction is compiled when first called: a broker never encodes a request or decodes a response. */
export function compiledCodec(message: Message, version: number): Codec<unknown, unknown> {
  let decoder: ((reader: Reader) => unknown) | undefined
  let encoder: ((writer: Writer, value: unknown) => void) | undefined
  const codec = {
    decode(reader: Reader): unknown {
      codec.decode = decoder ??= compileDecoder(message, version)
      return decoder(reader)
    },
    encode(writer: Writer, value: unknown): void {
      encoder ??= compileEncoder(message, version)
      try {
        encoder(writer, value)
      } catch (error) {
        explain(message, version, value)
        throw error
      }
    },
  }
  return codec
}

/** The writer that refused a value did not know its field; the interpreter does, and throws with its name. */
function explain(message: Message, version: number, value: unknown): void {
  interpretEncode(message, version, new Writer(), value)
}

export function interpretedCodec(message: Message, version: number): Codec<unknown, unknown> {
  return {
    decode: (reader) => interpretDecode(message, version, reader),
    encode: (writer, value) => interpretEncode(message, version, writer, value),
  }
}

/** What is compiled for a message, to be read by people. */
export function sourceOf(message: Message, version: number): string {
  return `${decoderSource(message, version)}\n\n${encoderSource(message, version)}\n`
}
