import { pino } from 'pino'
import type { Broker } from '../../src/broker/broker.ts'
import { BrokerEvents } from '../../src/broker/broker-events.ts'
import { ProduceInterceptors } from '../../src/broker/produce-interceptors.ts'
import { RequestFaults } from '../../src/broker/request-faults.ts'
import { nodeClock } from '../../src/io/node-clock.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import type { MetadataImage } from '../../src/metadata/metadata-image.ts'

const EMPTY_IMAGE: MetadataImage = {
  clusterId: 'fake-cluster-fake-clus',
  offset: 42,
  features: new Map([['metadata.version', 30]]),
  topics: new Map(),
  topicsById: new Map(),
  configOf: () => new Map(),
  configuredResources: () => [],
  changedResources: () => [],
  nextProducerId: 0,
}

/** A broker with an empty metadata image, no faults and nothing else: what is missing fails loudly when it is touched. */
export function fakeBroker(image: Partial<MetadataImage> = {}): Broker {
  const logger = pino({ level: 'silent' })
  const parts: Partial<Broker> = {
    events: new BrokerEvents(logger),
    produceInterceptors: new ProduceInterceptors(nodeClock, logger),
    faults: new RequestFaults({ clock: new SimulatedClock(), random: 1, apis: [] }),
    metadata: {
      image: { ...EMPTY_IMAGE, ...image },
      change: () => Promise.reject(new Error('the fake broker changes nothing')),
      onChange: () => {},
      onPublished: () => {},
      close: () => Promise.resolve(),
    },
  }
  return parts as Broker
}
