import { boolean, int, string } from './config-definition.ts'

const DURATION = /^by_duration:P(?!$)(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$/

function offsetReset(text: string): string | null {
  if (text === 'latest' || text === 'earliest' || DURATION.test(text)) return null
  return `Invalid value \`${text}\` for configuration share.auto.offset.reset. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`
}

const accept = { use: 'accept' } as const

/** Settings of a group, of those kinds that have any: consumer, share and streams. */
export const groupConfigs = {
  'consumer.assignment.interval.ms': int(1000, 'Shortest time between two assignments of the consumer group.', {
    ...accept,
    min: 0,
    synonyms: ['group.consumer.assignment.interval.ms'],
  }),
  'consumer.heartbeat.interval.ms': int(5000, 'Heartbeat interval that members of the consumer group are told.', {
    ...accept,
    min: 1,
    synonyms: ['group.consumer.heartbeat.interval.ms'],
  }),
  'consumer.session.timeout.ms': int(45000, 'A member without a heartbeat for this long is removed.', {
    ...accept,
    min: 1,
    synonyms: ['group.consumer.session.timeout.ms'],
  }),
  'share.assignment.interval.ms': int(1000, 'Shortest time between two assignments of the share group.', {
    ...accept,
    min: 0,
    synonyms: ['group.share.assignment.interval.ms'],
  }),
  'share.auto.offset.reset': string('latest', 'Where a share group without a position begins.', {
    ...accept,
    range: '[latest, earliest, by_duration:PnDTnHnMn.nS]',
    check: offsetReset,
  }),
  'share.delivery.count.limit': int(5, 'How often a record is delivered before it is given up.', {
    ...accept,
    min: 2,
    synonyms: ['group.share.delivery.count.limit'],
  }),
  'share.heartbeat.interval.ms': int(5000, 'Heartbeat interval that members of the share group are told.', {
    ...accept,
    min: 1,
    synonyms: ['group.share.heartbeat.interval.ms'],
  }),
  'share.isolation.level': string(
    'read_uncommitted',
    'Whether records of open or aborted transactions are delivered.',
    {
      ...accept,
      oneOf: ['read_committed', 'read_uncommitted'],
    },
  ),
  'share.partition.max.record.locks': int(2000, 'Records of one partition that may be in delivery.', {
    ...accept,
    min: 100,
    synonyms: ['group.share.partition.max.record.locks'],
  }),
  'share.record.lock.duration.ms': int(30000, 'How long a member holds a record before others may have it.', {
    ...accept,
    min: 1000,
    synonyms: ['group.share.record.lock.duration.ms'],
  }),
  'share.renew.acknowledge.enable': boolean(true, 'Whether a member may prolong its hold on a record.', accept),
  'share.session.timeout.ms': int(45000, 'A member without a heartbeat for this long is removed.', {
    ...accept,
    min: 1,
    synonyms: ['group.share.session.timeout.ms'],
  }),
  'streams.assignment.interval.ms': int(1000, 'Shortest time between two assignments of the streams group.', {
    ...accept,
    min: 0,
    synonyms: ['group.streams.assignment.interval.ms'],
  }),
  'streams.heartbeat.interval.ms': int(5000, 'Heartbeat interval that members of the streams group are told.', {
    ...accept,
    min: 1,
    synonyms: ['group.streams.heartbeat.interval.ms'],
  }),
  'streams.initial.rebalance.delay.ms': int(3000, 'How long a new streams group waits for more members.', {
    ...accept,
    min: 0,
    synonyms: ['group.streams.initial.rebalance.delay.ms'],
  }),
  'streams.num.standby.replicas': int(0, 'Standby copies of state in the streams group.', {
    ...accept,
    min: 0,
    synonyms: ['group.streams.num.standby.replicas'],
  }),
  'streams.session.timeout.ms': int(45000, 'A member without a heartbeat for this long is removed.', {
    ...accept,
    min: 1,
    synonyms: ['group.streams.session.timeout.ms'],
  }),
}

/** Broker settings that bound a group setting. */
export const groupBounds: Readonly<Record<string, { readonly min?: string; readonly max?: string }>> = {
  'consumer.assignment.interval.ms': bounds('group.consumer', 'assignment.interval.ms'),
  'consumer.heartbeat.interval.ms': bounds('group.consumer', 'heartbeat.interval.ms'),
  'consumer.session.timeout.ms': bounds('group.consumer', 'session.timeout.ms'),
  'share.assignment.interval.ms': bounds('group.share', 'assignment.interval.ms'),
  'share.delivery.count.limit': bounds('group.share', 'delivery.count.limit'),
  'share.heartbeat.interval.ms': bounds('group.share', 'heartbeat.interval.ms'),
  'share.partition.max.record.locks': bounds('group.share', 'partition.max.record.locks'),
  'share.record.lock.duration.ms': bounds('group.share', 'record.lock.duration.ms'),
  'share.session.timeout.ms': bounds('group.share', 'session.timeout.ms'),
  'streams.assignment.interval.ms': bounds('group.streams', 'assignment.interval.ms'),
  'streams.heartbeat.interval.ms': bounds('group.streams', 'heartbeat.interval.ms'),
  'streams.num.standby.replicas': { max: 'group.streams.max.standby.replicas' },
  'streams.session.timeout.ms': bounds('group.streams', 'session.timeout.ms'),
}

function bounds(kind: string, property: string): { min: string; max: string } {
  return { min: `${kind}.min.${property}`, max: `${kind}.max.${property}` }
}
