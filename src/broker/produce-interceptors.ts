import type { Logger } from 'pino'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { Clock } from '../io/clock.ts'
import { type BatchOrigin, type InterceptedBatch, isIntactBatch, whileIntercepted } from './intercepted-batch.ts'

/** Kafka's name of an error. */
export type ErrorCodeName = keyof typeof ErrorCode

/** The partition is answered with this error, and nothing is appended. */
export interface Rejection {
  /** Kafka's name or number, as `POLICY_VIOLATION` or 44. Clients send again on those that Kafka calls retriable. */
  readonly reject: ErrorCodeName | ErrorCode
  /** Clients see it from Produce v8 on. */
  readonly message?: string
}

/** The batch is appended elsewhere, and the client is answered with the offset there. */
export interface Routing {
  /** It must exist. The partition is that of the request where none is given. */
  readonly route: { readonly topic: string; readonly partition?: number }
}

/**
 * Looks at each produced batch, in the order of their coming, before it is appended; no answer lets it pass.
 * Synchronous: the broker waits.
 */
export type ProduceInterceptor = (batch: InterceptedBatch) => Rejection | Routing | null | undefined

export type Interception =
  | { readonly kind: 'reject'; readonly error: ErrorCode; readonly message: string }
  | { readonly kind: 'route'; readonly topic: string; readonly partition: number; readonly idempotent: boolean }

/** A failing interceptor is logged once in so long: a client could fill the disk otherwise. */
const LOG_INTERVAL_MS = 10_000

interface Entry {
  readonly interceptor: ProduceInterceptor
  loggedMs: number
  unlogged: number
}

/** What may look at, reject or route produced batches: in the order of their coming here, and the first answer counts. */
export class ProduceInterceptors {
  /** Replaced, never changed. */
  #entries: readonly Entry[] = []
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #logger: Logger

  constructor(clock: Pick<Clock, 'monotonicMs'>, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** The one question on the path of every batch. */
  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** Gives a function that takes it away again. */
  add(interceptor: ProduceInterceptor): () => void {
    const entry = { interceptor, loggedMs: Number.NEGATIVE_INFINITY, unlogged: 0 }
    this.#entries = [...this.#entries, entry]
    return () => {
      this.#entries = this.#entries.filter((one) => one !== entry)
    }
  }

  /** Null lets the records pass, among them what is no batch: the log refuses it in Kafka's words. */
  judge(origin: BatchOrigin, records: Buffer): Interception | null {
    if (!isIntactBatch(records)) return null
    return whileIntercepted(origin, records, (batch) => {
      for (const entry of this.#entries) {
        const interception = this.#ask(entry, batch)
        if (interception !== null) return interception
      }
      return null
    })
  }

  #ask(entry: Entry, batch: InterceptedBatch): Interception | null {
    try {
      return readAnswer(entry.interceptor(batch), batch)
    } catch (error) {
      this.#logFailure(entry, batch, error)
      const reason = error instanceof Error ? error.message : String(error)
      // kafkajs, the Java client and librdkafka all give up on it at once. So they do on UNKNOWN_SERVER_ERROR, but that
      // would look like a failure of the broker.
      return { kind: 'reject', error: ErrorCode.INVALID_RECORD, message: `An interceptor failed: ${reason}` }
    }
  }

  #logFailure(entry: Entry, { topic, partition }: InterceptedBatch, error: unknown): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - entry.loggedMs < LOG_INTERVAL_MS) {
      entry.unlogged++
      return
    }
    const { unlogged } = entry
    entry.loggedMs = nowMs
    entry.unlogged = 0
    const fields = { err: error, topic, partition, ...(unlogged > 0 && { unlogged }) }
    this.#logger.error(fields, 'an interceptor failed; the batch is rejected')
  }
}

function readAnswer(answer: unknown, batch: InterceptedBatch): Interception | null {
  if (answer === undefined || answer === null) return null
  if (typeof answer !== 'object') throw new TypeError(`an interceptor returned ${String(answer)}`)
  if ('reject' in answer) return readRejection(answer as Rejection)
  if ('route' in answer) return readRouting((answer as Routing).route, batch)
  const kind = answer instanceof Promise ? 'a promise: interceptors are synchronous' : 'neither reject nor route'
  // Whoever wrote an async function learns of it here; what becomes of the promise is of no use any more.
  if (answer instanceof Promise) answer.catch(() => {})
  throw new TypeError(`an interceptor returned ${kind}`)
}

function readRejection({ reject, message }: Rejection): Interception {
  const error = typeof reject === 'number' ? reject : ErrorCode[reject]
  if (error === undefined || error === ErrorCode.NONE || !isErrorCode(error)) {
    throw new RangeError(`an interceptor rejected with ${String(reject)}, which is none of Kafka's errors`)
  }
  return { kind: 'reject', error, message: message ?? `An interceptor rejected the batch: ${errorName(error)}.` }
}

function isErrorCode(code: number): code is ErrorCode {
  return Object.values<number>(ErrorCode).includes(code)
}

function readRouting({ topic, partition = -1 }: Routing['route'], batch: InterceptedBatch): Interception {
  if (typeof topic !== 'string') throw new TypeError('an interceptor routed to a topic that is not a string')
  const target = partition === -1 ? batch.partition : partition
  if (!Number.isInteger(target) || target < 0) throw new RangeError(`an interceptor routed to partition ${partition}`)
  return { kind: 'route', topic, partition: target, idempotent: batch.idempotent }
}
