import type { Fixture } from './wire-case.ts'

/** What each fixture's broker is started with. */
export const fixtureSettings: Readonly<Record<Fixture, Readonly<Record<string, string>>>> = {
  default: {},
  fresh: {},
  impatient: { 'connections.max.idle.ms': '1500', 'transaction.partition.verification.enable': 'false' },
  tuned: {
    'auto.create.topics.enable': 'false',
    'delete.topic.enable': 'false',
    'fetch.max.bytes': '20000',
    'group.initial.rebalance.delay.ms': '700',
    'group.max.size': '2',
    'group.max.session.timeout.ms': '60000',
    'group.min.session.timeout.ms': '100',
    'max.incremental.fetch.session.cache.slots': '0',
    'max.request.partition.size.limit': '4',
    'num.partitions': '3',
    'offset.metadata.max.bytes': '16',
    'socket.request.max.bytes': '200000',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '100',
  },
}
