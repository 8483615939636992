import { boolean, double, int, LONG_MAX, list, long, string } from '../config-definition.ts'

/** Logs on disk: most are the defaults of topic settings. */
export const logConfigs = {
  'log.dir': list(['./data'], 'Directory of the data, where log.dirs is not set.'),
  'log.dirs': list(null, 'Directory of the data. Of a list, the first is used.'),
  'compression.type': string('producer', 'Default of compression.type for topics.', {
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    dynamic: 'cluster',
  }),
  'compression.gzip.level': int(-1, 'Default of compression.gzip.level for topics.', {
    min: 1,
    max: 9,
    or: -1,
    dynamic: 'cluster',
  }),
  'compression.lz4.level': int(9, 'Default of compression.lz4.level for topics.', {
    min: 1,
    max: 17,
    dynamic: 'cluster',
    use: 'accept',
  }),
  'compression.zstd.level': int(3, 'Default of compression.zstd.level for topics.', {
    min: -131072,
    max: 22,
    dynamic: 'cluster',
  }),
  'log.cleanup.policy': list(['delete'], 'Default of cleanup.policy for topics.', {
    oneOf: ['compact', 'delete'],
    dynamic: 'cluster',
  }),
  'log.cleaner.enable': boolean(true, 'Whether compacted topics are compacted.'),
  'log.cleaner.backoff.ms': long(15000, 'How long compaction rests when nothing is worth a pass.', {
    min: 0,
    dynamic: 'cluster',
  }),
  'log.cleaner.dedupe.buffer.size': long(134217728, 'Memory for the keys of one compaction pass.', {
    dynamic: 'cluster',
  }),
  'log.cleaner.delete.retention.ms': long(86400000, 'Default of delete.retention.ms for topics.', {
    min: 0,
    dynamic: 'cluster',
  }),
  'log.cleaner.io.buffer.load.factor': double(0.9, 'How full the key map of a compaction pass may become.', {
    dynamic: 'cluster',
  }),
  'log.cleaner.io.buffer.size': int(524288, 'Memory for reading and writing in compaction.', {
    min: 0,
    dynamic: 'cluster',
    use: 'accept',
  }),
  'log.cleaner.io.max.bytes.per.second': double(
    '1.7976931348623157E308',
    'Limit of reading and writing in compaction.',
    { dynamic: 'cluster' },
  ),
  'log.cleaner.max.compaction.lag.ms': long(LONG_MAX, 'Default of max.compaction.lag.ms for topics.', {
    min: 1,
    dynamic: 'cluster',
  }),
  'log.cleaner.min.cleanable.ratio': double(0.5, 'Default of min.cleanable.dirty.ratio for topics.', {
    min: 0,
    max: 1,
    dynamic: 'cluster',
  }),
  'log.cleaner.min.compaction.lag.ms': long(0, 'Default of min.compaction.lag.ms for topics.', {
    min: 0,
    dynamic: 'cluster',
  }),
  'log.cleaner.threads': int(1, 'How many logs are compacted at the same time.', {
    min: 0,
    dynamic: 'cluster',
  }),
  'log.flush.interval.messages': long(
    LONG_MAX,
    'Default of flush.messages for topics. Set explicitly it takes the place of the sync before the answer to acks=all.',
    { min: 1, dynamic: 'cluster' },
  ),
  'log.flush.interval.ms': long(null, 'Default of flush.ms for topics.', { dynamic: 'cluster' }),
  'log.flush.offset.checkpoint.interval.ms': int(60000, 'How often recovery points are written down.', { min: 0 }),
  'log.flush.scheduler.interval.ms': long(LONG_MAX, 'Default of flush.ms where log.flush.interval.ms is not set.'),
  'log.flush.start.offset.checkpoint.interval.ms': int(60000, 'How often log start offsets are written down.', {
    min: 0,
  }),
  'log.index.interval.bytes': int(4096, 'Default of index.interval.bytes for topics.', { min: 0, dynamic: 'cluster' }),
  'log.index.size.max.bytes': int(10485760, 'Default of segment.index.bytes for topics.', {
    min: 4,
    dynamic: 'cluster',
  }),
  'log.initial.task.delay.ms': long(30000, 'How long after the start the first retention check runs.', {
    min: 0,
  }),
  'log.local.retention.bytes': long(-2, 'Default of local.retention.bytes for topics.', {
    min: -2,
    dynamic: 'cluster',
    use: 'accept',
  }),
  'log.local.retention.ms': long(-2, 'Default of local.retention.ms for topics.', {
    min: -2,
    dynamic: 'cluster',
    use: 'accept',
  }),
  'log.message.timestamp.after.max.ms': long(3600000, 'Default of message.timestamp.after.max.ms for topics.', {
    min: 0,
    dynamic: 'cluster',
  }),
  'log.message.timestamp.before.max.ms': long(LONG_MAX, 'Default of message.timestamp.before.max.ms for topics.', {
    min: 0,
    dynamic: 'cluster',
  }),
  'log.message.timestamp.type': string('CreateTime', 'Default of message.timestamp.type for topics.', {
    oneOf: ['CreateTime', 'LogAppendTime'],
    dynamic: 'cluster',
  }),
  'log.preallocate': boolean(false, 'Default of preallocate for topics.', { dynamic: 'cluster', use: 'accept' }),
  'log.retention.bytes': long(-1, 'Default of retention.bytes for topics.', { dynamic: 'cluster' }),
  'log.retention.check.interval.ms': long(300000, 'How often old segments are looked for.', { min: 1 }),
  'log.retention.hours': int(
    168,
    'Default of retention.ms for topics in hours, where neither of the finer ones is set.',
  ),
  'log.retention.minutes': int(
    null,
    'Default of retention.ms for topics in minutes, where log.retention.ms is not set.',
  ),
  'log.retention.ms': long(null, 'Default of retention.ms for topics.', { dynamic: 'cluster' }),
  'log.roll.hours': int(168, 'Default of segment.ms for topics in hours, where log.roll.ms is not set.', { min: 1 }),
  'log.roll.jitter.hours': int(
    0,
    'Default of segment.jitter.ms for topics in hours, where log.roll.jitter.ms is not set.',
    { min: 0 },
  ),
  'log.roll.jitter.ms': long(null, 'Default of segment.jitter.ms for topics.', { min: 0, dynamic: 'cluster' }),
  'log.roll.ms': long(null, 'Default of segment.ms for topics.', { min: 1, dynamic: 'cluster' }),
  'log.segment.bytes': int(1073741824, 'Default of segment.bytes for topics.', { min: 1048576, dynamic: 'cluster' }),
  'log.segment.delete.delay.ms': long(60000, 'Default of file.delete.delay.ms for topics.', {
    min: 0,
    dynamic: 'cluster',
  }),
  'min.insync.replicas': int(1, 'Default of min.insync.replicas for topics.', { min: 1, dynamic: 'cluster' }),
  'unclean.leader.election.enable': boolean(false, 'Default of unclean.leader.election.enable for topics.', {
    dynamic: 'cluster',
    use: 'accept',
  }),
  'metadata.log.max.record.bytes.between.snapshots': long(
    20971520,
    'A snapshot of the metadata is written after this many bytes of changes.',
    { min: 1 },
  ),
  'metadata.log.segment.bytes': int(1073741824, 'Size at which a segment of the metadata log is closed.', {
    min: 8388608,
    use: 'accept',
  }),
  'metadata.log.dir': string(null, 'Another directory for the metadata log; it lies with the data here.', {
    use: 'accept',
  }),
}
