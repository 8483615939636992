import { INT_MAX, int, list, long, short, string } from '../config-definition.ts'

/** Consumer groups of every kind, and the offsets they commit. */
export const groupCoordinatorConfigs = {
  'group.initial.rebalance.delay.ms': int(
    0,
    'How long a new group waits for more members before its first rebalance. Kafka has 3000; a single broker is mostly used where waiting only costs time.',
  ),
  'group.max.session.timeout.ms': int(1800000, 'Longest session timeout a member may ask for.'),
  'group.max.size': int(INT_MAX, 'Members of one classic group.', { min: 1 }),
  'group.min.session.timeout.ms': int(6000, 'Shortest session timeout a member may ask for.'),
  'offset.metadata.max.bytes': int(4096, 'Longest text that may be committed beside an offset.'),
  'offsets.commit.timeout.ms': int(5000, 'How long a commit may take to be durable.', { min: 1 }),
  'offsets.retention.check.interval.ms': long(600000, 'How often expired offsets are looked for.', { min: 1 }),
  'offsets.retention.minutes': int(10080, 'How long the offsets of an empty group are kept.', { min: 1 }),
  'offsets.topic.compression.codec': int(0, 'Codec of batches in __consumer_offsets.', { use: 'accept' }),
  'offsets.topic.num.partitions': int(50, 'Partitions of __consumer_offsets; fixed once it exists.', { min: 1 }),
  'offsets.topic.replication.factor': short(3, 'Replicas of __consumer_offsets; at most the number of brokers.', {
    min: 1,
  }),
  'offsets.topic.segment.bytes': int(104857600, 'Segment size of __consumer_offsets.', { min: 1 }),
  'offsets.load.buffer.size': int(5242880, 'Bytes read at once while offsets are loaded.', { min: 1, use: 'accept' }),
  'group.coordinator.rebalance.protocols': list(
    ['classic', 'consumer', 'streams'],
    'Kinds of groups that are served.',
    { oneOf: ['consumer', 'classic', 'share', 'streams'], use: 'accept' },
  ),
  'group.coordinator.append.linger.ms': int(-1, 'How long changes of groups are gathered before they are written.', {
    min: -1,
    use: 'accept',
  }),
  'group.coordinator.background.threads': int(2, 'Threads of the group coordinator. There is one process here.', {
    min: 1,
    use: 'accept',
  }),
  'group.coordinator.cached.buffer.max.bytes': int(1048588, 'Largest write buffer the group coordinator keeps.', {
    min: 524288,
    dynamic: 'cluster',
    use: 'accept',
  }),
  'group.coordinator.threads': int(4, 'Threads of the group coordinator. There is one process here.', {
    min: 1,
    use: 'accept',
  }),
  'group.consumer.assignment.interval.ms': int(1000, 'Shortest time between two assignments of a consumer group.', {
    min: 0,
    dynamic: 'cluster',
    use: 'accept',
  }),
  'group.consumer.assignors': list(['uniform', 'range'], 'Assignors of consumer groups, the preferred one first.', {
    use: 'accept',
  }),
  'group.consumer.heartbeat.interval.ms': int(5000, 'Heartbeat interval that members of consumer groups are told.', {
    min: 1,
    use: 'accept',
  }),
  'group.consumer.max.assignment.interval.ms': int(15000, 'Upper bound of consumer.assignment.interval.ms.', {
    min: 0,
    use: 'accept',
  }),
  'group.consumer.max.heartbeat.interval.ms': int(15000, 'Upper bound of consumer.heartbeat.interval.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.consumer.max.session.timeout.ms': int(60000, 'Upper bound of consumer.session.timeout.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.consumer.max.size': int(INT_MAX, 'Members of one consumer group.', { min: 1, use: 'accept' }),
  'group.consumer.migration.policy': string(
    'bidirectional',
    'Which conversions between classic and consumer groups are allowed.',
    { oneOf: ['DISABLED', 'DOWNGRADE', 'UPGRADE', 'BIDIRECTIONAL'], ignoreCase: true, use: 'accept' },
  ),
  'group.consumer.min.assignment.interval.ms': int(0, 'Lower bound of consumer.assignment.interval.ms.', {
    min: 0,
    use: 'accept',
  }),
  'group.consumer.min.heartbeat.interval.ms': int(5000, 'Lower bound of consumer.heartbeat.interval.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.consumer.min.session.timeout.ms': int(45000, 'Lower bound of consumer.session.timeout.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.consumer.regex.refresh.interval.ms': int(600000, 'How often subscriptions by pattern are resolved anew.', {
    min: 10000,
    use: 'accept',
  }),
  'group.consumer.session.timeout.ms': int(
    45000,
    'A member of a consumer group without a heartbeat for this long is removed.',
    { min: 1, use: 'accept' },
  ),
  'group.share.assignment.interval.ms': int(1000, 'Shortest time between two assignments of a share group.', {
    min: 0,
    dynamic: 'cluster',
    use: 'accept',
  }),
  'group.share.assignors': list(['simple'], 'Assignors of share groups.', { use: 'accept' }),
  'group.share.delivery.count.limit': int(
    5,
    'How often a record is delivered in a share group before it is given up.',
    { min: 2, max: 10, use: 'accept' },
  ),
  'group.share.heartbeat.interval.ms': int(5000, 'Heartbeat interval that members of share groups are told.', {
    min: 1,
    use: 'accept',
  }),
  'group.share.max.assignment.interval.ms': int(15000, 'Upper bound of share.assignment.interval.ms.', {
    min: 0,
    use: 'accept',
  }),
  'group.share.max.delivery.count.limit': int(10, 'Upper bound of share.delivery.count.limit.', {
    min: 5,
    max: 25,
    use: 'accept',
  }),
  'group.share.max.heartbeat.interval.ms': int(15000, 'Upper bound of share.heartbeat.interval.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.share.max.partition.max.record.locks': int(4000, 'Upper bound of share.partition.max.record.locks.', {
    min: 2000,
    max: 10000,
    use: 'accept',
  }),
  'group.share.max.record.lock.duration.ms': int(60000, 'Upper bound of share.record.lock.duration.ms.', {
    min: 30000,
    max: 3600000,
    use: 'accept',
  }),
  'group.share.max.session.timeout.ms': int(60000, 'Upper bound of share.session.timeout.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.share.max.share.sessions': int(2000, 'Share sessions kept at one time.', { min: 1, use: 'accept' }),
  'group.share.max.size': int(200, 'Members of one share group.', { min: 1, max: 1000, use: 'accept' }),
  'group.share.min.assignment.interval.ms': int(0, 'Lower bound of share.assignment.interval.ms.', {
    min: 0,
    use: 'accept',
  }),
  'group.share.min.delivery.count.limit': int(2, 'Lower bound of share.delivery.count.limit.', {
    min: 2,
    max: 5,
    use: 'accept',
  }),
  'group.share.min.heartbeat.interval.ms': int(5000, 'Lower bound of share.heartbeat.interval.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.share.min.partition.max.record.locks': int(100, 'Lower bound of share.partition.max.record.locks.', {
    min: 100,
    max: 2000,
    use: 'accept',
  }),
  'group.share.min.record.lock.duration.ms': int(15000, 'Lower bound of share.record.lock.duration.ms.', {
    min: 1000,
    max: 30000,
    use: 'accept',
  }),
  'group.share.min.session.timeout.ms': int(45000, 'Lower bound of share.session.timeout.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.share.partition.max.record.locks': int(
    2000,
    'Records of one partition that a share group may have in delivery.',
    { min: 100, max: 10000, use: 'accept' },
  ),
  'group.share.record.lock.duration.ms': int(
    30000,
    'How long a member of a share group holds a record before others may have it.',
    { min: 1000, max: 3600000, use: 'accept' },
  ),
  'group.share.session.timeout.ms': int(
    45000,
    'A member of a share group without a heartbeat for this long is removed.',
    { min: 1, use: 'accept' },
  ),
  'group.streams.assignment.interval.ms': int(1000, 'Shortest time between two assignments of a streams group.', {
    min: 0,
    dynamic: 'cluster',
    use: 'accept',
  }),
  'group.streams.heartbeat.interval.ms': int(5000, 'Heartbeat interval that members of streams groups are told.', {
    min: 1,
    use: 'accept',
  }),
  'group.streams.initial.rebalance.delay.ms': int(3000, 'How long a new streams group waits for more members.', {
    min: 0,
    use: 'accept',
  }),
  'group.streams.max.assignment.interval.ms': int(15000, 'Upper bound of streams.assignment.interval.ms.', {
    min: 0,
    use: 'accept',
  }),
  'group.streams.max.heartbeat.interval.ms': int(15000, 'Upper bound of streams.heartbeat.interval.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.streams.max.session.timeout.ms': int(60000, 'Upper bound of streams.session.timeout.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.streams.max.size': int(INT_MAX, 'Members of one streams group.', { min: 1, use: 'accept' }),
  'group.streams.max.standby.replicas': int(2, 'Upper bound of streams.num.standby.replicas.', {
    min: 0,
    use: 'accept',
  }),
  'group.streams.min.assignment.interval.ms': int(0, 'Lower bound of streams.assignment.interval.ms.', {
    min: 0,
    use: 'accept',
  }),
  'group.streams.min.heartbeat.interval.ms': int(5000, 'Lower bound of streams.heartbeat.interval.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.streams.min.session.timeout.ms': int(45000, 'Lower bound of streams.session.timeout.ms.', {
    min: 1,
    use: 'accept',
  }),
  'group.streams.num.standby.replicas': int(0, 'Standby copies of state in a streams group.', {
    min: 0,
    use: 'accept',
  }),
  'group.streams.session.timeout.ms': int(
    45000,
    'A member of a streams group without a heartbeat for this long is removed.',
    { min: 1, use: 'accept' },
  ),
}
