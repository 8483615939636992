import { boolean, double, int, LONG_MAX, list, long, string } from './config-definition.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** `*`, or partition:broker pairs. */
function throttledReplicas(items: readonly string[]): string | null {
  if (items.length === 0 || (items.length === 1 && items[0] === '*')) return null
  if (items.every((item) => /^\d+:\d+$/.test(item))) return null
  return "must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
}

const replicasRange = { range: '* or [partitionId]:[brokerId],...', check: throttledReplicas, use: 'accept' } as const

/** Settings of a topic: Kafka's 33 in their alphabetical order, then our own. */
export const topicConfigs = {
  'cleanup.policy': list(
    ['delete'],
    'What happens to old data: "delete" drops whole segments by age and size, "compact" keeps the last record of each key. Both may be given; none keeps everything.',
    { oneOf: ['compact', 'delete'], synonyms: ['log.cleanup.policy'] },
  ),
  'compression.gzip.level': int(-1, 'Level of gzip where batches are compressed again by the broker.', {
    min: 1,
    max: 9,
    or: -1,
    synonyms: ['compression.gzip.level'],
  }),
  'compression.lz4.level': int(9, 'Level of lz4; where the broker compresses again it takes the fast one.', {
    min: 1,
    max: 17,
    synonyms: ['compression.lz4.level'],
    use: 'accept',
  }),
  'compression.type': string(
    'producer',
    'Codec of stored batches: "producer" keeps what the producer chose, anything else makes the broker compress again where it differs.',
    {
      oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
      synonyms: ['compression.type'],
    },
  ),
  'compression.zstd.level': int(3, 'Level of zstd where batches are compressed again by the broker.', {
    min: -131072,
    max: 22,
    synonyms: ['compression.zstd.level'],
  }),
  'delete.retention.ms': long(
    86400000,
    'How long a tombstone of a compacted topic stays readable after compaction first met it.',
    { min: 0, synonyms: ['log.cleaner.delete.retention.ms'] },
  ),
  'file.delete.delay.ms': long(60000, 'How long the files of a removed segment stay before they are unlinked.', {
    min: 0,
    synonyms: ['log.segment.delete.delay.ms'],
  }),
  'flush.messages': long(
    LONG_MAX,
    'The log is synced to disk after this many records. Set explicitly it takes the place of the sync that otherwise comes before the answer to acks=all.',
    { min: 1, synonyms: ['log.flush.interval.messages'] },
  ),
  'flush.ms': long(LONG_MAX, 'The log is synced to disk when its oldest unsynced record is this old.', {
    min: 0,
    synonyms: ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  }),
  'follower.replication.throttled.replicas': list(
    [],
    'Replicas whose catching up is throttled on the side of the follower.',
    replicasRange,
  ),
  'index.interval.bytes': int(4096, 'Bytes of log between two entries of the offset index.', {
    min: 0,
    synonyms: ['log.index.interval.bytes'],
  }),
  'leader.replication.throttled.replicas': list(
    [],
    'Replicas whose catching up is throttled on the side of the leader.',
    replicasRange,
  ),
  'local.retention.bytes': long(-2, 'With tiered storage: bytes to keep locally; -2 takes retention.bytes.', {
    min: -2,
    synonyms: ['log.local.retention.bytes'],
    use: 'accept',
  }),
  'local.retention.ms': long(-2, 'With tiered storage: age to keep locally; -2 takes retention.ms.', {
    min: -2,
    synonyms: ['log.local.retention.ms'],
    use: 'accept',
  }),
  'max.compaction.lag.ms': long(LONG_MAX, 'A record is compacted at the latest when it is this old.', {
    min: 1,
    synonyms: ['log.cleaner.max.compaction.lag.ms'],
  }),
  'max.message.bytes': int(1048588, 'Largest record batch that is accepted, after compression, header included.', {
    min: 0,
    synonyms: ['message.max.bytes'],
  }),
  'message.timestamp.after.max.ms': long(
    HOUR_MS,
    'How far ahead of the broker the timestamp of a record may be, where the producer sets it.',
    { min: 0, synonyms: ['log.message.timestamp.after.max.ms'] },
  ),
  'message.timestamp.before.max.ms': long(
    LONG_MAX,
    'How far behind the broker the timestamp of a record may be, where the producer sets it.',
    { min: 0, synonyms: ['log.message.timestamp.before.max.ms'] },
  ),
  'message.timestamp.type': string('CreateTime', 'Who stamps records: the producer, or the broker when it appends.', {
    oneOf: ['CreateTime', 'LogAppendTime'],
    synonyms: ['log.message.timestamp.type'],
  }),
  'min.cleanable.dirty.ratio': double(0.5, 'Share of a log not yet compacted at which compaction is worth a pass.', {
    min: 0,
    max: 1,
    synonyms: ['log.cleaner.min.cleanable.ratio'],
  }),
  'min.compaction.lag.ms': long(0, 'A record is left alone by compaction until it is this old.', {
    min: 0,
    synonyms: ['log.cleaner.min.compaction.lag.ms'],
  }),
  'min.insync.replicas': int(
    1,
    'In-sync replicas that acks=all asks for, at most as many as a partition has replicas; with fewer it gets NOT_ENOUGH_REPLICAS.',
    { min: 1, synonyms: ['min.insync.replicas'] },
  ),
  preallocate: boolean(false, 'Whether files are made at their full size. Files here grow as they are written.', {
    synonyms: ['log.preallocate'],
    use: 'accept',
  }),
  'remote.log.copy.disable': boolean(false, 'Whether a tiered topic stops to copy segments to the remote tier.', {
    use: 'accept',
  }),
  'remote.log.delete.on.disable': boolean(false, 'Whether turning tiering off removes what is in the remote tier.', {
    use: 'accept',
  }),
  'remote.storage.enable': boolean(false, 'Whether the topic is tiered. There is no tiered storage: true is refused.', {
    use: 'accept',
  }),
  'retention.bytes': long(-1, 'Size per partition above which the oldest segments are dropped; -1 for no limit.', {
    synonyms: ['log.retention.bytes'],
  }),
  'retention.ms': long(604800000, 'Age of its newest record at which a segment is dropped; -1 for no limit.', {
    min: -1,
    synonyms: ['log.retention.ms', ['log.retention.minutes', MINUTE_MS], ['log.retention.hours', HOUR_MS]],
  }),
  'segment.bytes': int(1073741824, 'Size at which a segment is closed and the next begun.', {
    min: 1048576,
    synonyms: ['log.segment.bytes'],
  }),
  'segment.index.bytes': int(10485760, 'Size of an index at which its segment is closed.', {
    min: 4,
    synonyms: ['log.index.size.max.bytes'],
  }),
  'segment.jitter.ms': long(0, 'Random time taken off segment.ms, so that not all segments are closed at once.', {
    min: 0,
    synonyms: ['log.roll.jitter.ms', ['log.roll.jitter.hours', HOUR_MS]],
  }),
  'segment.ms': long(604800000, 'Span of record time after which a segment is closed even when it is small.', {
    min: 1,
    synonyms: ['log.roll.ms', ['log.roll.hours', HOUR_MS]],
  }),
  'unclean.leader.election.enable': boolean(
    false,
    'Whether a replica that lags may become leader. With one replica the question never arises.',
    { synonyms: ['unclean.leader.election.enable'], use: 'accept' },
  ),
  'odradek.disk.budget.action': string(
    'reject',
    'What makes room when the disk budget of this topic or of the broker is used up: "reject" keeps what the topic has and takes no more records until there is room, "delete" removes its oldest closed segments.',
    { oneOf: ['delete', 'reject'], synonyms: ['odradek.disk.budget.action'] },
  ),
  'odradek.disk.budget.bytes': long(
    -1,
    'Disk space for the segments of all partitions of the topic together, at which odradek.disk.budget.action begins to act; it ends at 95 % of that. -1 for no limit.',
    { min: 1, max: Number.MAX_SAFE_INTEGER, or: -1 },
  ),
  'odradek.record.validation': string(
    'shallow',
    'How far the records of a compressed batch are looked into: "shallow" checks header and CRC, "deep" decompresses and checks every record as Kafka does. Compacted topics are always deep.',
    { oneOf: ['shallow', 'deep'], synonyms: ['odradek.record.validation'] },
  ),
}
