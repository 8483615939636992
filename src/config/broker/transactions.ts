import { boolean, int, short } from '../config-definition.ts'

/** Producer ids, transactions and the state of share groups. */
export const transactionConfigs = {
  'producer.id.expiration.check.interval.ms': int(600000, 'How often forgotten producers are looked for.', { min: 1 }),
  'producer.id.expiration.ms': int(86400000, 'A producer that wrote nothing for this long is forgotten.', {
    min: 1,
    dynamic: 'cluster',
  }),
  'add.partitions.to.txn.retry.backoff.max.ms': int(
    100,
    'How long Produce waits for the markers of the transaction before.',
    { min: 0 },
  ),
  'add.partitions.to.txn.retry.backoff.ms': int(20, 'How often it looks for them.', { min: 1 }),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(
    10000,
    'How often transactions are looked for that took too long.',
    { min: 1 },
  ),
  'transaction.max.timeout.ms': int(900000, 'Longest transaction timeout a producer may ask for.', {
    min: 1,
  }),
  'transaction.partition.verification.enable': boolean(
    true,
    'Whether Produce checks that its partition was added to the transaction.',
    { dynamic: 'cluster' },
  ),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(
    3600000,
    'How often transactional ids are looked for that have expired.',
    { min: 1 },
  ),
  'transaction.state.log.load.buffer.size': int(5242880, 'Bytes read at once while transactions are loaded.', {
    min: 1,
    use: 'accept',
  }),
  'transaction.state.log.min.isr': int(
    2,
    'min.insync.replicas of __transaction_state; at most the number of brokers.',
    { min: 1, use: 'accept' },
  ),
  'transaction.state.log.num.partitions': int(50, 'Partitions of __transaction_state; fixed once it exists.', {
    min: 1,
  }),
  'transaction.state.log.replication.factor': short(
    3,
    'Replicas of __transaction_state; at most the number of brokers.',
    { min: 1 },
  ),
  'transaction.state.log.segment.bytes': int(104857600, 'Segment size of __transaction_state.', {
    min: 1,
  }),
  'transaction.two.phase.commit.enable': boolean(false, 'Whether producers may take part in a two-phase commit.', {
    use: 'accept',
  }),
  'transactional.id.expiration.ms': int(604800000, 'A transactional id that was not used for this long is forgotten.', {
    min: 1,
  }),
  'share.coordinator.append.linger.ms': int(
    -1,
    'How long changes of share state are gathered before they are written.',
    { min: -1, use: 'accept' },
  ),
  'share.coordinator.cached.buffer.max.bytes': int(1048588, 'Largest write buffer the share coordinator keeps.', {
    min: 524288,
    dynamic: 'cluster',
    use: 'accept',
  }),
  'share.coordinator.load.buffer.size': int(5242880, 'Bytes read at once while share state is loaded.', {
    min: 1,
    use: 'accept',
  }),
  'share.coordinator.snapshot.update.records.per.snapshot': int(
    500,
    'Updates of share state between two full snapshots.',
    { min: 0, max: 500, use: 'accept' },
  ),
  'share.coordinator.state.topic.compression.codec': int(0, 'Codec of batches in __share_group_state.', {
    use: 'accept',
  }),
  'share.coordinator.state.topic.min.isr': short(
    2,
    'min.insync.replicas of __share_group_state; at most the number of brokers.',
    { min: 1, use: 'accept' },
  ),
  'share.coordinator.state.topic.num.partitions': int(50, 'Partitions of __share_group_state; fixed once it exists.', {
    min: 1,
    use: 'accept',
  }),
  'share.coordinator.state.topic.replication.factor': short(
    3,
    'Replicas of __share_group_state; at most the number of brokers.',
    { min: 1, use: 'accept' },
  ),
  'share.coordinator.state.topic.segment.bytes': int(104857600, 'Segment size of __share_group_state.', {
    min: 1,
    use: 'accept',
  }),
  'share.coordinator.threads': int(1, 'Threads of the share coordinator. There is one process here.', {
    min: 1,
    use: 'accept',
  }),
  'share.coordinator.write.timeout.ms': int(5000, 'How long a write of share state may take.', {
    min: 1,
    use: 'accept',
  }),
}
