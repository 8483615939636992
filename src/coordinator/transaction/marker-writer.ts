import { ErrorCode } from '../../../protocol/errors.ts'
import { buildEndTransactionMarker } from '../../../protocol/records/batch-builder.ts'
import type { Clock } from '../../io/clock.ts'
import { GROUP_METADATA_TOPIC } from '../../metadata/internal-topics.ts'
import type { Membership } from '../../metadata/membership.ts'
import type { Metadata } from '../../metadata/metadata.ts'
import type { Durability, LogStore } from '../../storage/storage.ts'
import type { TransactionEnd } from '../coordinator-log.ts'
import type { CoordinatorPeers } from '../coordinator-peers.ts'
import type { TopicPartition } from './transaction-records.ts'

/** Newest there is: what coordinators write is no client's. */
const PRODUCE_VERSION = 13

export interface MarkerWriterOptions {
  readonly store: LogStore
  readonly metadata: Metadata
  readonly membership: Membership
  readonly peers: CoordinatorPeers
  readonly clock: Clock
  readonly durability: Durability
}

/** Writes the markers that end a transaction in the partitions it has written to. */
export class MarkerWriter {
  readonly #options: MarkerWriterOptions

  constructor(options: MarkerWriterOptions) {
    this.#options = options
  }

  /** One error for each partition, in order. Markers are durable when it resolves. */
  write(partitions: readonly TopicPartition[], end: TransactionEnd): Promise<ErrorCode[]> {
    return Promise.all(
      partitions.map((one) =>
        one.topic === GROUP_METADATA_TOPIC ? this.#endInGroups(one, end) : this.#endInLog(one, end),
      ),
    )
  }

  /** Groups have to learn which of their offsets count: their coordinator writes its own markers. */
  async #endInGroups({ topic, partition }: TopicPartition, end: TransactionEnd): Promise<ErrorCode> {
    const { metadata, membership, peers } = this.#options
    if (metadata.image.topics.get(topic)?.partitions[partition] === undefined) {
      return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    }
    const groups = peers.groups(membership, partition)
    return groups === undefined ? ErrorCode.COORDINATOR_NOT_AVAILABLE : groups.endTransaction(partition, end)
  }

  async #endInLog({ topic, partition }: TopicPartition, end: TransactionEnd): Promise<ErrorCode> {
    const { store, metadata, clock, durability } = this.#options
    const image = metadata.image.topics.get(topic)
    const leaderEpoch = image?.partitions[partition]?.leaderEpoch
    const log = image && store.get(image.id, partition)
    if (log === undefined || leaderEpoch === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    const records = buildEndTransactionMarker({ ...end, timestamp: clock.nowMs() })
    const append = { log, records, origin: 'coordinator', leaderEpoch, produceVersion: PRODUCE_VERSION } as const
    const [result] = await store.append([append], durability)
    return result!.error
  }
}
