import { type Expected, matching } from './matcher.ts'

export interface NewTopic {
  readonly partitions?: number
  readonly replicas?: number
  readonly assignments?: readonly (readonly [partitionIndex: number, ...brokerIds: number[]])[]
  readonly configs?: readonly (readonly [name: string, value: string | null])[]
}

export interface Row {
  readonly what: string
  readonly topic: NewTopic
  readonly error: number
  readonly message: Expected<string>
}

const CONSECUTIVE = 'partitions should be a consecutive 0-based integer sequence'

export const rows: readonly Row[] = [
  {
    what: 'no partitions',
    topic: { partitions: 0 },
    error: 37,
    message: 'Number of partitions was set to an invalid non-positive value.',
  },
  {
    what: '-2 partitions',
    topic: { partitions: -2 },
    error: 37,
    message: 'Number of partitions was set to an invalid non-positive value.',
  },
  {
    what: 'a replication factor of 0',
    topic: { replicas: 0 },
    error: 38,
    message: 'Replication factor must be larger than 0, or -1 to use the default value.',
  },
  {
    what: 'a replication factor of -2',
    topic: { replicas: -2 },
    error: 38,
    message: 'Replication factor must be larger than 0, or -1 to use the default value.',
  },
  {
    what: 'a replication factor above the number of brokers',
    topic: { replicas: 3 },
    error: 38,
    message: matching(
      /^Unable to replicate the partition 3 time\(s\): The target replication factor of 3 cannot be reached because only 1 broker\(s\) are registered/,
    ),
  },
  {
    what: 'a setting nobody knows',
    topic: { configs: [['nope', '1']] },
    error: 40,
    message: 'Unknown topic config name: nope',
  },
  {
    what: 'a setting that 4.0 removed',
    topic: { configs: [['message.format.version', '3.0']] },
    error: 40,
    message: 'Unknown topic config name: message.format.version',
  },
  {
    what: 'a value that is no number',
    topic: { configs: [['retention.ms', 'abc']] },
    error: 40,
    message: 'Invalid value abc for configuration retention.ms: Not a number of type LONG',
  },
  {
    what: 'a value that is too large for its type',
    topic: { configs: [['max.message.bytes', '3000000000']] },
    error: 40,
    message: 'Invalid value 3000000000 for configuration max.message.bytes: Not a number of type INT',
  },
  {
    what: 'a value below its range',
    topic: { configs: [['max.message.bytes', '-1']] },
    error: 40,
    message: 'Invalid value -1 for configuration max.message.bytes: Value must be at least 0',
  },
  {
    what: 'a value above its range',
    topic: { configs: [['min.cleanable.dirty.ratio', '1.5']] },
    error: 40,
    message: 'Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1',
  },
  {
    what: 'a value that is no boolean',
    topic: { configs: [['preallocate', 'yes']] },
    error: 40,
    message: 'Invalid value yes for configuration preallocate: Expected value to be either true or false',
  },
  {
    what: 'a word that is none of those allowed',
    topic: { configs: [['compression.type', 'brotli']] },
    error: 40,
    message:
      'Invalid value brotli for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
  },
  {
    what: 'a list with a word that is none of those allowed',
    topic: { configs: [['cleanup.policy', 'delete,burn']] },
    error: 40,
    message: 'Invalid value burn for configuration cleanup.policy: String must be one of: compact, delete',
  },
  {
    what: 'a segment below a megabyte',
    topic: { configs: [['segment.bytes', '1024']] },
    error: 40,
    message: 'Invalid value 1024 for configuration segment.bytes: Value must be at least 1048576',
  },
  {
    what: 'a null value',
    topic: { configs: [['retention.ms', null]] },
    error: 40,
    message: 'Null value not supported for topic configs: retention.ms',
  },
  {
    what: 'a compaction lag above its maximum',
    topic: {
      configs: [
        ['min.compaction.lag.ms', '10'],
        ['max.compaction.lag.ms', '5'],
      ],
    },
    error: 40,
    message: 'conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)',
  },
  {
    what: 'local retention above retention',
    topic: {
      configs: [
        ['retention.ms', '5'],
        ['local.retention.ms', '10'],
        ['remote.storage.enable', 'false'],
      ],
    },
    error: 0,
    message: '',
  },
  {
    what: 'tiered storage',
    topic: { configs: [['remote.storage.enable', 'true']] },
    error: 40,
    message:
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
  },
  {
    what: 'an assignment and a number of partitions',
    topic: { partitions: 1, replicas: -1, assignments: [[0, 1]] },
    error: 42,
    message: 'A manual partition assignment was specified, but numPartitions was not set to -1.',
  },
  {
    what: 'an assignment and a replication factor',
    topic: { partitions: -1, replicas: 1, assignments: [[0, 1]] },
    error: 42,
    message: 'A manual partition assignment was specified, but replication factor was not set to -1.',
  },
  {
    what: 'an assignment that does not begin at 0',
    topic: { partitions: -1, replicas: -1, assignments: [[1, 1]] },
    error: 39,
    message: CONSECUTIVE,
  },
  {
    what: 'an assignment with a hole',
    topic: {
      partitions: -1,
      replicas: -1,
      assignments: [
        [0, 1],
        [2, 1],
      ],
    },
    error: 39,
    message: CONSECUTIVE,
  },
  {
    what: 'an assignment to an unknown broker',
    topic: { partitions: -1, replicas: -1, assignments: [[0, 9]] },
    error: 39,
    message: 'The manual partition assignment includes broker 9, but no such broker is registered.',
  },
  {
    what: 'an assignment to one broker twice',
    topic: { partitions: -1, replicas: -1, assignments: [[0, 1, 1]] },
    error: 39,
    message: 'The manual partition assignment includes the broker 1 more than once.',
  },
  {
    what: 'an assignment to no broker',
    topic: { partitions: -1, replicas: -1, assignments: [[0]] },
    error: 39,
    message: 'The manual partition assignment includes an empty replica list.',
  },
  {
    what: 'an assignment of one partition twice',
    topic: {
      partitions: -1,
      replicas: -1,
      assignments: [
        [0, 1],
        [0, 1],
      ],
    },
    error: 39,
    message: 'Found multiple manual partition assignments for partition 0',
  },
]
