import { int, string } from '../config-definition.ts'

/** Settings that Kafka does not have. */
export const odradekConfigs = {
  'odradek.durability': string(
    'disk',
    'What acks=all promises: "disk" answers when the records would survive a power cut, "os" when the operating system has them, as Kafka does.',
    { oneOf: ['disk', 'os'] },
  ),
  'odradek.record.validation': string('shallow', 'Default of odradek.record.validation for topics.', {
    oneOf: ['shallow', 'deep'],
    dynamic: 'cluster',
  }),
  'odradek.virtual.brokers': int(
    1,
    'Brokers that this process plays for its clients, to test their failover: ids and ports follow on from node.id and listeners.',
    { min: 1, max: 64 },
  ),
}
