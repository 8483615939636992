/** Wire codes of DescribeConfigs. */
export const ConfigType = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
} as const
export const ConfigSource = {
  DYNAMIC_TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  CLIENT_METRICS: 7,
  GROUP: 8,
} as const
/** Of DescribeConfigs and its relatives. */
export const ResourceType = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const

const LONG_MAX = '9223372036854775807'
const { BOOLEAN, STRING, INT, LONG, DOUBLE, LIST } = ConfigType

/** Kafka's settings of a topic: name, type, default, and the broker setting that stands behind it where one is listed. */
export const topicConfigTable: readonly (readonly [
  name: string,
  type: number,
  value: string,
  synonym: string | null,
])[] = [
  ['cleanup.policy', LIST, 'delete', 'log.cleanup.policy'],
  ['compression.gzip.level', INT, '-1', 'compression.gzip.level'],
  ['compression.lz4.level', INT, '9', 'compression.lz4.level'],
  ['compression.type', STRING, 'producer', 'compression.type'],
  ['compression.zstd.level', INT, '3', 'compression.zstd.level'],
  ['delete.retention.ms', LONG, '86400000', 'log.cleaner.delete.retention.ms'],
  ['file.delete.delay.ms', LONG, '60000', 'log.segment.delete.delay.ms'],
  ['flush.messages', LONG, LONG_MAX, 'log.flush.interval.messages'],
  ['flush.ms', LONG, LONG_MAX, null],
  ['follower.replication.throttled.replicas', LIST, '', null],
  ['index.interval.bytes', INT, '4096', 'log.index.interval.bytes'],
  ['leader.replication.throttled.replicas', LIST, '', null],
  ['local.retention.bytes', LONG, '-2', 'log.local.retention.bytes'],
  ['local.retention.ms', LONG, '-2', 'log.local.retention.ms'],
  ['max.compaction.lag.ms', LONG, LONG_MAX, 'log.cleaner.max.compaction.lag.ms'],
  ['max.message.bytes', INT, '1048588', 'message.max.bytes'],
  ['message.timestamp.after.max.ms', LONG, '3600000', 'log.message.timestamp.after.max.ms'],
  ['message.timestamp.before.max.ms', LONG, LONG_MAX, 'log.message.timestamp.before.max.ms'],
  ['message.timestamp.type', STRING, 'CreateTime', 'log.message.timestamp.type'],
  ['min.cleanable.dirty.ratio', DOUBLE, '0.5', 'log.cleaner.min.cleanable.ratio'],
  ['min.compaction.lag.ms', LONG, '0', 'log.cleaner.min.compaction.lag.ms'],
  ['min.insync.replicas', INT, '1', 'min.insync.replicas'],
  ['preallocate', BOOLEAN, 'false', 'log.preallocate'],
  ['remote.log.copy.disable', BOOLEAN, 'false', null],
  ['remote.log.delete.on.disable', BOOLEAN, 'false', null],
  ['remote.storage.enable', BOOLEAN, 'false', null],
  ['retention.bytes', LONG, '-1', 'log.retention.bytes'],
  ['retention.ms', LONG, '604800000', null],
  ['segment.bytes', INT, '1073741824', 'log.segment.bytes'],
  ['segment.index.bytes', INT, '10485760', 'log.index.size.max.bytes'],
  ['segment.jitter.ms', LONG, '0', null],
  ['segment.ms', LONG, '604800000', null],
  ['unclean.leader.election.enable', BOOLEAN, 'false', 'unclean.leader.election.enable'],
]

/** Kafka's settings of a group: name, type, default, broker setting. */
export const groupConfigTable: readonly (readonly [name: string, type: number, value: string, synonym: string])[] = [
  ['consumer.assignment.interval.ms', INT, '1000', 'group.consumer.assignment.interval.ms'],
  ['consumer.heartbeat.interval.ms', INT, '5000', 'group.consumer.heartbeat.interval.ms'],
  ['consumer.session.timeout.ms', INT, '45000', 'group.consumer.session.timeout.ms'],
  ['share.assignment.interval.ms', INT, '1000', 'group.share.assignment.interval.ms'],
  ['share.auto.offset.reset', STRING, 'latest', 'share.auto.offset.reset'],
  ['share.delivery.count.limit', INT, '5', 'group.share.delivery.count.limit'],
  ['share.heartbeat.interval.ms', INT, '5000', 'group.share.heartbeat.interval.ms'],
  ['share.isolation.level', STRING, 'read_uncommitted', 'share.isolation.level'],
  ['share.partition.max.record.locks', INT, '2000', 'group.share.partition.max.record.locks'],
  ['share.record.lock.duration.ms', INT, '30000', 'group.share.record.lock.duration.ms'],
  ['share.renew.acknowledge.enable', BOOLEAN, 'true', 'share.renew.acknowledge.enable'],
  ['share.session.timeout.ms', INT, '45000', 'group.share.session.timeout.ms'],
  ['streams.assignment.interval.ms', INT, '1000', 'group.streams.assignment.interval.ms'],
  ['streams.heartbeat.interval.ms', INT, '5000', 'group.streams.heartbeat.interval.ms'],
  ['streams.initial.rebalance.delay.ms', INT, '3000', 'group.streams.initial.rebalance.delay.ms'],
  ['streams.num.standby.replicas', INT, '0', 'group.streams.num.standby.replicas'],
  ['streams.session.timeout.ms', INT, '45000', 'group.streams.session.timeout.ms'],
]
