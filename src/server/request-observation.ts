import type { RequestContext } from '../apis/context.ts'
import type { EventFields } from '../broker/broker-events.ts'
import type { Answer } from './exchange.ts'

/** One request as those see it who listen to `request` and `response`; exists only where somebody does. */
export class RequestObservation {
  readonly #context: RequestContext
  readonly #fields: EventFields<'request'>
  readonly #beganMs: number

  /** Tells of the request. `sizeBytes` is that of its frame. */
  constructor(context: RequestContext, api: string, sizeBytes: number) {
    const { broker, connection, apiKey, apiVersion, correlationId, clientId } = context
    const peer = { connectionId: connection.id, clientAddress: connection.clientAddress, clientId }
    this.#context = context
    this.#fields = { ...peer, api, apiKey, apiVersion, correlationId, sizeBytes }
    broker.events.emit('request', broker, this.#fields)
    this.#beganMs = broker.clock.monotonicMs()
  }

  end(answer: Answer): void {
    const { broker } = this.#context
    if (!broker.events.has('response')) return
    const durationMs = broker.clock.monotonicMs() - this.#beganMs
    const errorCodes = new Set<number>()
    collectErrorCodes(answer, errorCodes)
    broker.events.emit('response', broker, {
      ...this.#fields,
      durationMs,
      outcome: typeof answer === 'object' ? 'answered' : answer,
      errorCodes: [...errorCodes],
    })
  }
}

/** Every API has them in other places, under one name. */
function collectErrorCodes(value: unknown, codes: Set<number>): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return
  if (Array.isArray(value)) {
    for (const one of value) collectErrorCodes(one, codes)
    return
  }
  for (const [name, field] of Object.entries(value)) {
    if (name !== 'errorCode') collectErrorCodes(field, codes)
    else if (typeof field === 'number' && field !== 0) codes.add(field)
  }
}
