import type { Logger } from 'pino'
import type { Clock } from '../io/clock.ts'
import type { Random } from '../io/random.ts'
import { BrokerEvents } from './broker-events.ts'
import { ProduceInterceptors } from './produce-interceptors.ts'
import type { ApiName } from './request-fault-spec.ts'
import { RequestFaults } from './request-faults.ts'

/** Where others look into the brokers of this process and reach into what they do. It outlives a broker's restart. */
export interface Extensions {
  readonly events: BrokerEvents
  readonly produceInterceptors: ProduceInterceptors
  readonly faults: RequestFaults
}

export interface ExtensionsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Those that are served. */
  readonly apis: Iterable<ApiName>
}

export function newExtensions({ clock, random, logger, apis }: ExtensionsOptions): Extensions {
  return {
    events: new BrokerEvents(logger),
    produceInterceptors: new ProduceInterceptors(clock, logger),
    faults: new RequestFaults({ clock, random, apis }),
  }
}
