import type { RequestFate, RequestFaults } from '../broker/request-faults.ts'
import type { Clock } from '../io/clock.ts'
import type { Answer, Exchange } from './exchange.ts'
import { failInPart } from './partial-failure.ts'
import { RequestNames } from './request-names.ts'

/** How a request goes on. */
export interface ExchangeStage {
  /** Does the work and answers. */
  handle(exchange: Exchange): void
  /** Answers in place of the work. */
  answer(exchange: Exchange, answer: Answer): void
}

interface Delayed {
  readonly exchange: Exchange
  cancel(): void
  readonly goOn: () => void
}

/** Stands between a request and its handler while there are faults. */
export class FaultInjector {
  readonly #faults: RequestFaults
  readonly #clock: Clock
  readonly #stage: ExchangeStage
  readonly #delayed = new Set<Delayed>()

  constructor(faults: RequestFaults, clock: Clock, stage: ExchangeStage) {
    this.#faults = faults
    this.#clock = clock
    this.#stage = stage
  }

  /** Lets a request go on to its handler, or to what a rule says. */
  meet(exchange: Exchange): void {
    const { delayMs, effect } = this.#faults.take(new RequestNames(exchange.context, exchange.request))
    if (delayMs > 0) this.#delay(exchange, delayMs, () => this.#apply(exchange, effect))
    else this.#apply(exchange, effect)
  }

  /** Nobody waits any longer: what was delayed is done now. */
  hurry(): void {
    for (const { goOn } of this.#delayed) goOn()
  }

  /** What was delayed is never done. */
  drop(): void {
    for (const delayed of this.#delayed) {
      delayed.cancel()
      delayed.exchange.connection.finish(delayed.exchange.intake)
    }
    this.#delayed.clear()
  }

  /**
   * The requests behind wait too, as they would for a slow broker. One whose client has gone meanwhile is done all the
   * same: it had arrived.
   */
  #delay(exchange: Exchange, delayMs: number, begin: () => void): void {
    const { connection, intake } = exchange
    const goOn = () => {
      this.#delayed.delete(delayed)
      timer.cancel()
      try {
        begin()
      } catch (error) {
        connection.fail(error)
        connection.finish(intake)
      }
      connection.admitRequests()
    }
    const timer = this.#clock.schedule(delayMs, goOn)
    const delayed: Delayed = { exchange, cancel: () => timer.cancel(), goOn }
    this.#delayed.add(delayed)
    connection.holdRequests()
  }

  #apply(exchange: Exchange, effect: RequestFate['effect']): void {
    const { connection, slot, entry } = exchange
    switch (effect?.kind) {
      case undefined:
        this.#stage.handle(exchange)
        return
      case 'error':
        this.#fail(exchange, effect)
        return
      case 'disconnect':
      case 'black-hole':
        connection.takeLast(slot)
        this.#stage.answer(exchange, effect.kind === 'disconnect' ? 'disconnect' : 'never')
        return
      case 'lose-answer': {
        connection.takeLast(slot)
        const alter = (answer: Answer): Answer => {
          if (typeof answer === 'object') entry.release?.(answer)
          return effect.silent ? 'never' : 'disconnect'
        }
        this.#stage.handle({ ...exchange, alter })
      }
    }
  }

  #fail(exchange: Exchange, { errorCode, topic }: Extract<RequestFate['effect'], { kind: 'error' }>): void {
    const { entry, context, request } = exchange
    const part = failInPart({ entry, context, request, error: errorCode, topic })
    if (part === null) this.#stage.answer(exchange, entry.fail(request, errorCode, context))
    else this.#stage.handle({ ...exchange, request: part.rest, alter: part.merge })
  }
}
