import { errorName } from '../../protocol/errors.ts'

/**
 * - `unreachable`: no connection could be made, so that nothing was sent
 * - `disconnected`: it was lost while an answer was awaited; the broker may or may not have acted
 * - `timeout`: no answer in time; as above
 * - `unsupported`: the broker has no version of this API that this client has
 * - `protocol`: the answer is not Kafka's
 * - `refused`: the broker answered with an error code
 * - `closed`: this client was closed
 */
export type ClientErrorKind =
  | 'unreachable'
  | 'disconnected'
  | 'timeout'
  | 'unsupported'
  | 'protocol'
  | 'refused'
  | 'closed'

/** What went wrong between this client and a cluster, in words for a person. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly kind: ClientErrorKind
  /** Kafka's code when the broker refused, else null. */
  readonly errorCode: number | null

  constructor(kind: ClientErrorKind, message: string, options: { errorCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.errorCode = options.errorCode ?? null
  }

  /** `creating orders: TOPIC_ALREADY_EXISTS: Topic 'orders' already exists.` */
  static refused(what: string, errorCode: number, detail?: string | null): ClientError {
    const message = `${what}: ${errorName(errorCode)}${detail ? `: ${detail}` : ''}`
    return new ClientError('refused', message, { errorCode })
  }
}

/** Throws when a broker answered with an error. */
export function refuseError(what: string, errorCode: number, detail?: string | null): void {
  if (errorCode !== 0) throw ClientError.refused(what, errorCode, detail)
}
