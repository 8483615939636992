import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { GroupMachine } from '../../src/coordinator/group/group-machine.ts'
import type { GroupRequest } from '../../src/coordinator/group/group-scope.ts'
import { GroupDriver, subscription, TEST_CONFIG } from './group-driver.ts'

describe('DescribeGroups', () => {
  it('Stable: the protocol, metadata and assignments', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, { groupInstanceId: 'i', clientHost: '/10.0.0.7', clientId: 'other' })
    expect(driver.describe()).toEqual({
      error: ErrorCode.NONE,
      message: null,
      groupId: 'g',
      state: 'Stable',
      protocolType: 'consumer',
      protocol: 'range',
      members: [
        {
          memberId: ids[0]!,
          groupInstanceId: null,
          clientId: 'client',
          clientHost: '/127.0.0.1',
          metadata: subscription('t'),
          assignment: Buffer.from(ids[0]!),
        },
        {
          memberId: ids[1]!,
          groupInstanceId: 'i',
          clientId: 'other',
          clientHost: '/10.0.0.7',
          metadata: subscription('t'),
          assignment: Buffer.from(ids[1]!),
        },
      ],
    })
  })

  it('other states: members without metadata, no protocol; what they had until now is told', () => {
    const driver = new GroupDriver()
    driver.join()
    const member = { memberId: 'client-uuid1', metadata: Buffer.alloc(0), assignment: Buffer.alloc(0) }
    expect(driver.describe()).toMatchObject({ state: 'CompletingRebalance', protocol: '', members: [member] })
    driver.join({ memberId: 'client-uuid1', protocols: [{ name: 'range', metadata: Buffer.of(0, 0) }] })
    driver.stable({ groupId: 'h' })
    driver.join({ groupId: 'h' })
    expect(driver.describe('h')).toMatchObject({ state: 'PreparingRebalance', protocol: '' })
    expect(driver.describe('h').members.every(({ metadata }) => metadata.length === 0)).toBe(true)
    expect(driver.describe('h').members[0]!.assignment.length).toBeGreaterThan(0)
  })

  it('a group that only has offsets is empty and has no protocol type', () => {
    const driver = new GroupDriver()
    driver.commit()
    expect(driver.describe()).toMatchObject({ error: ErrorCode.NONE, state: 'Empty', protocolType: '', members: [] })
  })
})

describe('ListGroups', () => {
  const driver = new GroupDriver()
  driver.commit({ groupId: 'simple' })
  driver.stable({ groupId: 'stable' })
  driver.join({ groupId: 'completing', protocolType: 'connect' })
  const list = (states: string[], types: string[] = []) => {
    return driver.ask('listGroups', { states, types }).answer.groups.map(({ groupId }) => groupId)
  }

  it('everything, with its type and state', () => {
    expect(driver.ask('listGroups', { states: [], types: [] }).answer).toEqual({
      error: ErrorCode.NONE,
      groups: [
        { groupId: 'simple', protocolType: '', state: 'Empty', type: 'classic' },
        { groupId: 'stable', protocolType: 'consumer', state: 'Stable', type: 'classic' },
        { groupId: 'completing', protocolType: 'connect', state: 'CompletingRebalance', type: 'classic' },
      ],
    })
  })

  it.each([
    ['one state', ['Stable'], [], ['stable']],
    ['states in any case', ['sTABLE', 'empty'], [], ['simple', 'stable']],
    ['unknown states', ['Confused'], [], []],
    ['a known and an unknown one', ['Confused', 'Empty'], [], ['simple']],
    ['classic, in any case', [], ['Classic'], ['simple', 'stable', 'completing']],
    ['types that no group has', [], ['consumer', 'share', 'streams'], []],
    ['unknown types', [], ['confused'], []],
    ['both filters', ['Stable'], ['classic', 'consumer'], ['stable']],
  ])('filters: %s', (_what, states, types, groups) => {
    expect(list(states, types)).toEqual(groups)
  })
})

describe('what a shard says that is not there to answer', () => {
  const groupId = 'g'
  const identity = { groupId, memberId: 'm', groupInstanceId: null, generationId: 1 }
  const nobody = { ...identity, clientId: '', clientHost: '', newMemberUuid: '', protocolType: '', protocols: [] }
  const timeouts = { sessionTimeoutMs: 1, rebalanceTimeoutMs: 1, requiresKnownMemberId: true, canSkipAssignment: true }
  const offset = { topic: 't', topicId: '', partition: 0, offset: 0, leaderEpoch: 0, metadata: '' }
  const requests: [GroupRequest, object][] = [
    [
      { type: 'joinGroup', call: { ...nobody, ...timeouts } },
      { error: 14, memberId: 'm', generationId: -1 },
    ],
    // Java's consumer takes 14 in a SyncGroup answer as fatal.
    [
      { type: 'syncGroup', call: { ...identity, protocolType: null, protocolName: null, assignments: [] } },
      { error: 27 },
    ],
    [{ type: 'heartbeat', call: identity }, { error: 0 }],
    [
      { type: 'leaveGroup', call: { groupId, members: [identity] } },
      { error: 14, memberErrors: [14] },
    ],
    [
      { type: 'commitOffsets', call: { ...identity, retentionTimeMs: -1, missingGroupError: 22, offsets: [offset] } },
      { errors: [14] },
    ],
    [
      { type: 'fetchOffsets', call: { groupId, topics: null } },
      { error: 14, topics: [] },
    ],
    [
      { type: 'describeGroup', call: groupId },
      { error: 14, groupId, state: '', members: [] },
    ],
    [
      { type: 'listGroups', call: { states: [], types: [] } },
      { error: 14, groups: [] },
    ],
    [
      { type: 'deleteGroup', call: groupId },
      { groupId, error: 14 },
    ],
    [
      { type: 'deleteOffsets', call: { groupId, topics: [{ topic: 't', partitions: [0] }] } },
      { error: 14, topicErrors: [14] },
    ],
  ]

  it.each(requests)('while it is loading: %o', (request, answer) => {
    const machine = new GroupMachine(TEST_CONFIG)
    expect(machine.refuse(request, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)).toMatchObject(answer)
  })

  it.each(requests)('when it has moved, everything but 0: %o', (request) => {
    const machine = new GroupMachine(TEST_CONFIG)
    const answer = JSON.stringify(machine.refuse(request, ErrorCode.NOT_COORDINATOR))
    expect(answer).toMatch(/"errors?":\[?16/)
  })
})
