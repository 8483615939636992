import { ErrorCode } from '../../protocol/errors.ts'
import type { Metadata } from '../metadata/metadata.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import type { LogHandle, LogStore } from '../storage/storage.ts'
import type { Interception } from './produce-interceptors.ts'

/** The partition a batch is appended to. */
export interface ProduceTarget {
  readonly topic: TopicImage
  readonly partition: number
  readonly log: LogHandle
  readonly leaderEpoch: number
}

export interface ProduceRefusal {
  readonly errorCode: ErrorCode
  readonly errorMessage: string
}

/**
 * Where an interceptor sends a batch. The brokers of one process share its logs, so it does not matter which of them
 * leads the target.
 */
export function routeTarget(
  { metadata, store }: { readonly metadata: Pick<Metadata, 'image'>; readonly store: Pick<LogStore, 'get'> },
  { topic: name, partition, idempotent }: Interception & { readonly kind: 'route' },
): ProduceTarget | ProduceRefusal {
  const topic = metadata.image.topics.get(name)
  const found = topic?.partitions[partition]
  if (topic === undefined || found === undefined) return refuse(`to ${name}-${partition}, which does not exist`)
  if (topic.internal) return refuse(`to ${name}, which only the broker writes to`)
  // Its sequence would have a hole where the client sent it and begin in the middle where it went; and what another
  // partition's batches had used there already would be taken for a repetition, and be lost without a word.
  if (idempotent) return refuse('a batch of an idempotent producer, whose sequence would break')
  const log = store.get(topic.id, partition)
  if (log === undefined || found.leader < 0) {
    const errorMessage = `An interceptor routed the batch to ${name}-${partition}, which has no leader now.`
    return { errorCode: ErrorCode.NOT_ENOUGH_REPLICAS, errorMessage }
  }
  return { topic, partition, log, leaderEpoch: found.leaderEpoch }
}

function refuse(what: string): ProduceRefusal {
  return { errorCode: ErrorCode.INVALID_RECORD, errorMessage: `An interceptor routed ${what}.` }
}
