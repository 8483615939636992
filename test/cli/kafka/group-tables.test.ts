import { describe, expect, it } from 'vitest'
import type { LagRow } from '../../../src/cli/kafka/group-lag.ts'
import { csvOf, resetTable } from '../../../src/cli/kafka/group-offset-reset.ts'
import type { GroupDescription } from '../../../src/cli/kafka/group-queries.ts'
import { membersTable, offsetsTable, stateTable } from '../../../src/cli/kafka/group-tables.ts'

const MEMBER = {
  memberId: 'consumer-1-6f8f3c1e-1111-2222-3333-444455556666',
  instanceId: null,
  clientId: 'consumer-1',
  host: '/127.0.0.1',
  partitions: [
    { topic: 'orders', partition: 1 },
    { topic: 'orders', partition: 0 },
    { topic: 'a', partition: 3 },
  ],
  target: [],
  epoch: null,
  targetEpoch: null,
}

const GROUP: GroupDescription = {
  groupId: 'readers',
  state: 'Stable',
  assignor: 'range',
  members: [MEMBER],
  groupEpoch: null,
  targetEpoch: null,
}

describe('tables of kafka-consumer-groups', () => {
  it('widen for long names, never below fifteen characters', () => {
    const row: LagRow = {
      topic: 'orders',
      partition: 0,
      leaderEpoch: 4,
      offset: 3,
      endOffset: 5,
      lag: 2,
      memberId: MEMBER.memberId,
      host: MEMBER.host,
      clientId: MEMBER.clientId,
    }
    const bare = { ...row, topic: null, partition: null, leaderEpoch: null, offset: null, endOffset: null, lag: null }
    const id = MEMBER.memberId
    expect(offsetsTable('readers', [row, bare], false)).toBe(
      [
        '',
        `GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             ${'CONSUMER-ID'.padEnd(id.length)} HOST            CLIENT-ID`,
        `readers         orders          0          3               5               2               ${id} /127.0.0.1      consumer-1`,
        `readers         -               -          -               -               -               ${id} /127.0.0.1      consumer-1`,
        '',
      ].join('\n'),
    )
    expect(offsetsTable('readers', [row], true)).toContain('PARTITION  LEADER-EPOCH    CURRENT-OFFSET ')
  })

  it('show members, their instances when there are any, and what they hold', () => {
    expect(membersTable(GROUP, false)).toBe(
      `\nGROUP           ${'CONSUMER-ID'.padEnd(MEMBER.memberId.length)} HOST            CLIENT-ID       #PARTITIONS     ` +
        `\nreaders         ${MEMBER.memberId} /127.0.0.1      consumer-1      3               \n`,
    )
    const named = { ...GROUP, members: [{ ...MEMBER, instanceId: 'one' }] }
    expect(membersTable(named, false)).toContain(' GROUP-INSTANCE-ID HOST ')
    expect(membersTable(GROUP, true)).toContain(' a:3;orders:0,1       -               -')
  })

  it('show the state', () => {
    expect(stateTable(GROUP, 'localhost:9092  (1)', false)).toBe(
      '\nGROUP           COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE                #MEMBERS' +
        '\nreaders         localhost:9092  (1)       range                Stable               1\n',
    )
  })

  it('show new offsets as a table and as CSV', () => {
    const rows = [{ group: 'readers', topic: 'orders', partition: 0, offset: 7 }]
    expect(resetTable(rows)).toBe(
      '\nGROUP           TOPIC           PARTITION  NEW-OFFSET\nreaders         orders          0          7\n',
    )
    expect(resetTable([])).toBe('')
    expect(csvOf(rows, false)).toBe('orders,0,7\n')
    expect(csvOf(rows, true)).toBe('readers,orders,0,7\n')
  })
})
