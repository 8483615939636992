import type { Logger } from 'pino'
import type { Clock } from '../io/clock.ts'
import { BrokerEvents } from './broker-events.ts'
import { ProduceInterceptors } from './produce-interceptors.ts'

/** Where others look into the brokers of this process and reach into what they do. It outlives a broker's restart. */
export interface Extensions {
  readonly events: BrokerEvents
  readonly produceInterceptors: ProduceInterceptors
}

export function newExtensions({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }): Extensions {
  return { events: new BrokerEvents(logger), produceInterceptors: new ProduceInterceptors(clock, logger) }
}
