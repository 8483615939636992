import type { StartOptions } from './testing/start-options.ts'
import { TestBroker } from './testing/test-broker.ts'

/**
 * Starts a Kafka broker in this process, in memory unless told otherwise. Resolves when clients can connect.
 *
 * ```ts
 * await using broker = await startBroker({ topics: ['orders'] })
 * const kafka = new Kafka({ brokers: broker.bootstrapServers.split(',') })
 * ```
 */
export function startBroker(options: StartOptions = {}): Promise<TestBroker> {
  return TestBroker.start(options)
}

export type { BrokerEventMap, BrokerEventName } from './broker/broker-event.ts'
export type { BrokerEventListener } from './broker/broker-events.ts'
export type { InterceptedBatch, InterceptedRecord } from './broker/intercepted-batch.ts'
export type { ProduceInterceptor, Rejection, Routing } from './broker/produce-interceptors.ts'
export type { RequestFault } from './broker/request-fault-spec.ts'
export type { RequestFaults } from './broker/request-faults.ts'
export type { AdjustableClock } from './io/adjustable-clock.ts'
export type { DiskFault, DiskFaults } from './io/disk-faults.ts'
export type { FaultRule } from './io/fault-rules.ts'
export type { DataSnapshot } from './testing/data-snapshot.ts'
export type { GroupMilestone } from './testing/group-watch.ts'
export type { Message } from './testing/message.ts'
export type { StartOptions } from './testing/start-options.ts'
export type { BrokerInfo, ResetOptions, TestBroker } from './testing/test-broker.ts'
export type { TopicSpec } from './testing/topic-spec.ts'
export type { ReadOptions, TopicView } from './testing/topic-view.ts'
export type { WaitForGroupOptions, WaitForMessagesOptions, WaitOptions } from './testing/wait-options.ts'
