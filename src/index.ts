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

export type { DataSnapshot } from './testing/data-snapshot.ts'
export type { GroupMilestone } from './testing/group-watch.ts'
export type { Message } from './testing/message.ts'
export type { StartOptions } from './testing/start-options.ts'
export type { TestBroker, WaitForGroupOptions, WaitForMessagesOptions, WaitOptions } from './testing/test-broker.ts'
export type { TopicSpec } from './testing/topic-spec.ts'
export type { ReadOptions, TopicView } from './testing/topic-view.ts'
