/** The settings that the group coordinator reads, by Kafka's names. */
export interface GroupConfig {
  readonly 'group.min.session.timeout.ms': number
  readonly 'group.max.session.timeout.ms': number
  readonly 'group.initial.rebalance.delay.ms': number
  readonly 'group.max.size': number
  readonly 'offset.metadata.max.bytes': number
  readonly 'offsets.retention.minutes': number
  readonly 'offsets.retention.check.interval.ms': number
}

/**
 * Kafka's own constant for a member that is parked in its first JoinGroup: it does not know its id yet, so it cannot
 * send heartbeats, and a client that went away must not stay for ever.
 */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000

/**
 * Limits on what peers can make the coordinator keep, where Kafka has none or only that of a record (1 MiB for a whole
 * group). Each is far beyond what was ever seen in use.
 */

/** Groups of one shard; a program that makes up a group id per run hits this, not the end of memory. GROUP_MAX_SIZE_REACHED or INVALID_COMMIT_OFFSET_SIZE. */
export const MAX_GROUPS_PER_SHARD = 20_000
/** Members of a group, with those that were only given an id; also when group.max.size is higher. The leader's answer grows with it. GROUP_MAX_SIZE_REACHED. */
export const MAX_MEMBERS_PER_GROUP = 10_000
/** Names and metadata of all protocols a member offers: what Kafka could store for a whole group. MESSAGE_TOO_LARGE. */
export const MAX_MEMBER_METADATA_BYTES = 1024 * 1024
/** The assignment of one member. MESSAGE_TOO_LARGE. */
export const MAX_MEMBER_ASSIGNMENT_BYTES = 1024 * 1024
/** Subscriptions and assignments of all members, since they are one record of the log. MESSAGE_TOO_LARGE. */
export const MAX_GROUP_RECORD_BYTES = 16 * 1024 * 1024
/** Committed partitions of a group: some 100 MB of memory. INVALID_COMMIT_OFFSET_SIZE. */
export const MAX_OFFSETS_PER_GROUP = 500_000
