import { decoderSource } from './compile-decoder.ts'
import { encoderSource } from './compile-encoder.ts'
import { EMPTY_BYTES } from './layout.ts'
import { refuseMissing, refuseNull, refuseTag, refuseType, refuseVersion } from './protocol-error.ts'
import type { Reader } from './reader.ts'
import type { Message } from './schema.ts'
import { byteLength, type Writer } from './writer.ts'

/** All that generated code can reach besides the reader, the writer and the value. */
const help = { EMPTY_BYTES, byteLength, refuseMissing, refuseNull, refuseTag, refuseType, refuseVersion }

export function compileDecoder(message: Message, version: number): (reader: Reader) => unknown {
  return new Function('help', decoderSource(message, version))(help) as (reader: Reader) => unknown
}

export function compileEncoder(message: Message, version: number): (writer: Writer, value: unknown) => void {
  return new Function('help', encoderSource(message, version))(help) as (writer: Writer, value: unknown) => void
}

/** False under --disallow-code-generation-from-strings and in runtimes that refuse it. */
export function canCompile(): boolean {
  try {
    return new Function('return true')() === true
  } catch {
    return false
  }
}
