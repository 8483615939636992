import type { ErrorCode } from '../../protocol/errors.ts'

/** A record of a coordinator's log as its bytes; a null value is a tombstone. */
export interface CoordinatorRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** What one kind of coordinator needs of storage: one log per shard, read whole at the start and then only appended to. */
export interface CoordinatorLog {
  /** Shards there are; fixed from the creation of the logs on. */
  shardCount(): number
  /**
   * Feeds every record of a shard to `replay`, oldest first; a log that does not exist yet has none. The buffers are
   * views that end with the call. Rejects when the log cannot be read.
   */
  load(shard: number, replay: (record: CoordinatorRecord) => void): Promise<void>
  /**
   * Appends to a shard in the order of the calls and resolves when the records are as durable as coordinators promise:
   * NONE, or why they are not. `fence` is what Membership.fenceFor said when the shard was loaded; an older one is
   * refused with NOT_COORDINATOR.
   */
  append(shard: number, fence: number, records: readonly CoordinatorRecord[], nowMs: number): Promise<ErrorCode>
}
