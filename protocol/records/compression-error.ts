/**
 * too-large: the result would exceed the limit given · corrupt: not a valid stream · unsupported: codec 5 to 7, or a
 * feature of the format that no Kafka client uses · unavailable: the codec's library could not be loaded here.
 */
export type CompressionFailure = 'too-large' | 'corrupt' | 'unsupported' | 'unavailable'

export class CompressionError extends Error {
  override readonly name = 'CompressionError'
  readonly kind: CompressionFailure

  constructor(kind: CompressionFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
  }
}

export function refuseCorrupt(message: string, cause?: unknown): never {
  throw new CompressionError('corrupt', message, cause)
}

export function refuseTooLarge(limitBytes: number): never {
  throw new CompressionError('too-large', `the decompressed records exceed the limit of ${limitBytes} bytes`)
}
