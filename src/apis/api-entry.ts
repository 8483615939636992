import type { Api, DecodedResponseOf, RequestOf, ResponseOf, VersionRange } from '../../protocol/codec/schema.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import type { RequestContext } from './context.ts'

/**
 * What a handler gives back beside a response. `silent`: no bytes at all (acks=0). `disconnect`: close the connection,
 * because the protocol has no other way to tell the client (a failed acks=0 produce).
 */
export type NoReply = 'silent' | 'disconnect'

/**
 * `same api`: the response may be many times larger than the request, and pipelined ones would multiply what one
 * connection can make us hold. `everything`: what comes behind it relies on its outcome, as in Kafka, which begins no
 * request of a connection before the last one is answered.
 */
export type HeldBack = 'same api' | 'everything'

export interface ApiEntry<A extends Api = Api> {
  readonly api: A
  /** What ApiVersions says; differs from the schema's versions only for Produce. */
  readonly advertised: VersionRange
  /**
   * Called in the order in which the requests of a connection arrived; what it does before its first await happens in
   * that order. May answer at once or later; replies leave in order all the same.
   */
  handle(context: RequestContext, request: RequestOf<A>): ResponseOf<A> | NoReply | Promise<ResponseOf<A> | NoReply>
  /**
   * The response's own shape for an error of the whole request: every entity echoed, each with the error. Gives
   * `disconnect` where the client expects no response at all (acks=0).
   */
  fail(request: RequestOf<A>, error: ErrorCode, context: RequestContext): ResponseOf<A> | NoReply
  /** Releases what the response pins (record buffers), once it is written or given up. */
  release?(response: ResponseOf<A>): void
  /** Which later requests of the connection wait until the reply to this one is on its way; none when left out. */
  readonly holdsBack?: HeldBack
}

interface EntryOptions<A extends Api> {
  readonly handle: ApiEntry<A>['handle']
  readonly fail: ApiEntry<A>['fail']
  readonly release?: ApiEntry<A>['release']
  readonly advertisedMin?: number
  readonly holdsBack?: HeldBack
}

/** Ties a schema to its handler; the advertised versions follow from the schema. */
export function apiEntry<A extends Api>(api: A, options: EntryOptions<A>): ApiEntry<A> {
  const max = api.latestVersionUnstable ? api.versions.max - 1 : api.versions.max
  const entry = {
    api,
    advertised: { min: options.advertisedMin ?? api.versions.min, max },
    handle: options.handle,
    fail: options.fail,
    ...(options.release && { release: options.release }),
    ...(options.holdsBack && { holdsBack: options.holdsBack }),
  }
  return entry
}

/** For tests: a decoded response of an API. */
export type Answer<A> = DecodedResponseOf<A>
