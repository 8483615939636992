import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import type { JoinGroupCall } from '../../src/coordinator/group/group-calls.ts'
import { MAX_MEMBER_METADATA_BYTES, NEW_MEMBER_JOIN_TIMEOUT_MS } from '../../src/coordinator/group/group-config.ts'
import { GroupDriver, REBALANCE_MS, range, SESSION_MS, subscription } from './group-driver.ts'

describe('JoinGroup: what is refused', () => {
  it.each([
    ['an empty group id', { groupId: '' }, ErrorCode.INVALID_GROUP_ID],
    ['a session timeout below the minimum', { sessionTimeoutMs: 5999 }, ErrorCode.INVALID_SESSION_TIMEOUT],
    ['a session timeout above the maximum', { sessionTimeoutMs: 1_800_001 }, ErrorCode.INVALID_SESSION_TIMEOUT],
    ['no protocols', { protocols: [] }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
    ['an empty protocol type', { protocolType: '' }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
    ['a member id in a group that does not exist', { memberId: 'm' }, ErrorCode.UNKNOWN_MEMBER_ID],
    [
      'more metadata than a member may have',
      { protocols: [{ name: 'range', metadata: Buffer.alloc(MAX_MEMBER_METADATA_BYTES) }] },
      ErrorCode.MESSAGE_TOO_LARGE,
    ],
  ])('%s', (_what, call: Partial<JoinGroupCall>, error) => {
    const driver = new GroupDriver()
    const { answer } = driver.join(call)
    expect(answer).toMatchObject({ error, generationId: -1, protocolType: null, protocolName: null, members: [] })
    expect(answer.memberId).toBe(call.memberId ?? '')
    // A refused request leaves no group behind.
    expect(driver.describe(call.groupId ?? 'g').error).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
  })

  it.each([6000, 1_800_000])('a session timeout of %i is within the limits', (sessionTimeoutMs) => {
    expect(new GroupDriver().join({ sessionTimeoutMs }).answer.error).toBe(ErrorCode.NONE)
  })

  it.each([
    ['another protocol type', { protocolType: 'connect' }],
    ['no protocol that all support', { protocols: [{ name: 'roundrobin', metadata: subscription('t') }] }],
  ])('%s in a group with members', (_what, call) => {
    const driver = new GroupDriver()
    driver.stable({})
    expect(driver.join(call).answer.error).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  })

  it('an empty group takes any protocol type', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.leave(ids[0]!)
    expect(driver.state()).toBe('Empty')
    const { answer } = driver.join({
      protocolType: 'connect',
      protocols: [{ name: 'sessioned', metadata: Buffer.of(1) }],
    })
    expect(answer).toMatchObject({ error: ErrorCode.NONE, protocolType: 'connect', protocolName: 'sessioned' })
  })

  it('a member id that the group does not know', () => {
    const driver = new GroupDriver()
    driver.stable({})
    expect(driver.join({ memberId: 'ghost' }).answer).toMatchObject({
      error: ErrorCode.UNKNOWN_MEMBER_ID,
      memberId: 'ghost',
    })
  })

  it('one more member than group.max.size', () => {
    const driver = new GroupDriver({ 'group.max.size': 1 })
    driver.stable({})
    expect(driver.join().answer).toMatchObject({ error: ErrorCode.GROUP_MAX_SIZE_REACHED, memberId: '' })
    expect(driver.state()).toBe('Stable')
  })

  it('during a rebalance of a group that shrank, the first to rejoin stay', () => {
    const driver = new GroupDriver({ 'group.max.size': 2 })
    const { ids } = driver.stable({}, {})
    const smaller = new GroupDriver({ 'group.max.size': 1 })
    smaller.log.push(...driver.log)
    smaller.reload()
    expect(smaller.state()).toBe('PreparingRebalance')
    const first = smaller.join({ memberId: ids[1]! })
    expect(smaller.join({ memberId: ids[0]! }).answer.error).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED)
    expect(first.answer).toMatchObject({ error: ErrorCode.NONE, leader: ids[1]!, generationId: 3 })
  })
})

describe('JoinGroup: generations, leader and protocol', () => {
  it('the first completed join is generation 1, and its only member the leader', () => {
    const driver = new GroupDriver()
    const { answer } = driver.join()
    expect(answer).toEqual({
      error: ErrorCode.NONE,
      generationId: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: 'client-uuid1',
      skipAssignment: false,
      memberId: 'client-uuid1',
      members: [{ memberId: 'client-uuid1', groupInstanceId: null, metadata: subscription('t') }],
    })
    expect(driver.state()).toBe('CompletingRebalance')
  })

  it('only the leader is told of the members, with the metadata of the protocol that was chosen', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    const sticky = { name: 'sticky', metadata: Buffer.from('sticky') }
    const second = driver.join({ protocols: [sticky, range('u')] })
    const first = driver.join({ memberId: ids[0]! })
    expect(first.answer).toMatchObject({ generationId: 2, leader: ids[0]!, protocolName: 'range' })
    expect(first.answer.members.map(({ metadata }) => metadata)).toEqual([subscription('t'), subscription('u')])
    expect(second.answer).toMatchObject({ generationId: 2, leader: ids[0]!, members: [] })
  })

  it('each member votes for the first protocol of its list that all support', () => {
    const driver = new GroupDriver()
    const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name, metadata: Buffer.from(name) }))
    // a is supported by two only; b gets one vote, c two.
    driver.stable({ protocols: [a!, b!, c!] })
    const second = driver.join({ protocols: [c!, b!] })
    const third = driver.join({ protocols: [c!, a!, b!] })
    driver.join({ memberId: 'client-uuid1', protocols: [a!, b!, c!] })
    expect(second.answer.protocolName).toBe('c')
    expect(third.answer.protocolName).toBe('c')
  })

  it('when the leader does not rejoin, the first member that did becomes leader', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {}, {})
    const third = driver.join({ memberId: ids[2]!, protocols: [range('u')] })
    const second = driver.join({ memberId: ids[1]! })
    driver.leave(ids[0]!)
    expect(second.answer).toMatchObject({ leader: ids[1]!, members: [{ memberId: ids[1]! }, { memberId: ids[2]! }] })
    expect(third.answer.leader).toBe(ids[1]!)
  })

  it('the generation rises by one with each completed join, also when everybody has left', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.leave(ids[0]!)
    expect(driver.join().answer.generationId).toBe(3)
  })

  it('version 0 has no rebalance timeout: the session timeout counts', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({ rebalanceTimeoutMs: -1 })
    const second = driver.join({ rebalanceTimeoutMs: -1 })
    for (let waited = 0; waited < SESSION_MS - 1000; waited += 1000) {
      driver.advance(1000)
      driver.heartbeat({ memberId: ids[0]! })
    }
    expect(second.isParked).toBe(true)
    driver.advance(1000)
    expect(second.answer.members.map(({ memberId }) => memberId)).toEqual([second.answer.memberId])
  })
})

describe('JoinGroup: MEMBER_ID_REQUIRED', () => {
  it('a new dynamic member is given an id and comes back with it', () => {
    const driver = new GroupDriver()
    const { answer } = driver.join({ requiresKnownMemberId: true })
    expect(answer).toMatchObject({ error: ErrorCode.MEMBER_ID_REQUIRED, memberId: 'client-uuid1', generationId: -1 })
    expect(driver.state()).toBe('Empty')
    const second = driver.join({ requiresKnownMemberId: true, memberId: answer.memberId })
    expect(second.answer).toMatchObject({ error: ErrorCode.NONE, memberId: 'client-uuid1', generationId: 1 })
  })

  it('an id that is not used within the session timeout is forgotten, and the group with it', () => {
    const driver = new GroupDriver()
    const { memberId } = driver.join({ requiresKnownMemberId: true }).answer
    driver.advance(SESSION_MS - 1)
    expect(driver.state()).toBe('Empty')
    driver.advance(1)
    expect(driver.state()).toBe('Dead')
    expect(driver.join({ memberId }).answer.error).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('a rebalance waits for members that were only given an id', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    const pending = driver.join({ requiresKnownMemberId: true }).answer.memberId
    const first = driver.join({ memberId: ids[0]! })
    expect(first.isParked).toBe(true)
    driver.join({ memberId: pending })
    expect(first.answer.members).toHaveLength(2)
  })

  it('a rebalance goes on when such a member does not come back', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.join({ requiresKnownMemberId: true })
    const first = driver.join({ memberId: ids[0]! })
    driver.advance(SESSION_MS)
    expect(first.answer.members).toHaveLength(1)
  })

  it('such a member can leave', () => {
    const driver = new GroupDriver()
    const { memberId } = driver.join({ requiresKnownMemberId: true }).answer
    expect(driver.leave(memberId)).toEqual([ErrorCode.NONE])
    expect(driver.state()).toBe('Dead')
  })

  it('a client id as long as a string may be still makes a member id', () => {
    const { answer } = new GroupDriver().join({ clientId: 'c'.repeat(32767) })
    expect(answer.memberId).toBe(`${'c'.repeat(255)}-uuid1`)
  })
})

describe('JoinGroup: a member that is already there', () => {
  it.each([
    ['the leader', 0],
    ['a follower', 1],
  ])('CompletingRebalance: %s asks again and is told the current generation at once', (_who, at) => {
    const driver = new GroupDriver()
    driver.stable({})
    const second = driver.join()
    const first = driver.join({ memberId: 'client-uuid1' })
    const lost = [first, second][at]!.answer
    expect(driver.join({ memberId: lost.memberId }).answer).toEqual(lost)
    expect(driver.state()).toBe('CompletingRebalance')
  })

  it('CompletingRebalance: changed metadata start another rebalance, and parked SyncGroups are told', () => {
    const driver = new GroupDriver()
    driver.stable({})
    const second = driver.join()
    driver.join({ memberId: 'client-uuid1' })
    const sync = driver.sync({ memberId: second.answer.memberId, generationId: 2 })
    expect(sync.isParked).toBe(true)
    driver.join({ memberId: 'client-uuid1', protocols: [range('other')] })
    expect(sync.answer.error).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(driver.state()).toBe('PreparingRebalance')
  })

  it('Stable: a follower that changes its metadata starts a rebalance', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {})
    expect(driver.join({ memberId: ids[1]!, protocols: [range('t', 'u')] }).isParked).toBe(true)
    expect(driver.state()).toBe('PreparingRebalance')
  })

  it('PreparingRebalance: asked again over a new connection, the older request is answered too', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {})
    const lost = driver.join({ memberId: ids[0]! })
    const again = driver.join({ memberId: ids[0]! })
    expect(lost.answer.error).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    driver.join({ memberId: ids[1]! })
    expect(again.answer.error).toBe(ErrorCode.NONE)
  })
})

describe('JoinGroup: how long a rebalance takes', () => {
  const DELAY_MS = 3000
  const withDelay = () => new GroupDriver({ 'group.initial.rebalance.delay.ms': DELAY_MS })

  it('an empty group waits group.initial.rebalance.delay.ms for others', () => {
    const driver = withDelay()
    const join = driver.join()
    driver.advance(DELAY_MS - 1)
    expect(join.isParked).toBe(true)
    expect(driver.state()).toBe('PreparingRebalance')
    driver.advance(1)
    expect(join.answer.generationId).toBe(1)
  })

  it('each arrival extends the delay by another one', () => {
    const driver = withDelay()
    const joins = [driver.join()]
    for (let i = 0; i < 3; i++) {
      driver.advance(DELAY_MS - 1000)
      joins.push(driver.join())
      driver.advance(1000)
    }
    expect(joins.every((join) => join.isParked)).toBe(true)
    driver.advance(DELAY_MS)
    expect(joins[0]!.answer.members).toHaveLength(4)
    expect(joins.map((join) => join.answer.generationId)).toEqual([1, 1, 1, 1])
  })

  it('but never beyond the rebalance timeout', () => {
    const driver = withDelay()
    const first = driver.join({ rebalanceTimeoutMs: 7000 })
    let waitedMs = 0
    for (; first.isParked; waitedMs += 500) {
      driver.join({ rebalanceTimeoutMs: 7000 })
      driver.advance(500)
    }
    expect(waitedMs).toBe(7000)
  })

  it('a group that empties during the delay starts over', () => {
    const driver = withDelay()
    const join = driver.join({ newMemberUuid: 'a' })
    driver.leave('client-a')
    expect(join.answer.error).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    driver.advance(DELAY_MS)
    expect(driver.state()).toBe('Empty')
  })

  it('a rebalance is over when all members have rejoined', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {})
    const joins = [driver.join({ memberId: ids[0]! }), driver.join()]
    expect(joins.every((join) => join.isParked)).toBe(true)
    joins.push(driver.join({ memberId: ids[1]! }))
    expect(joins.map((join) => join.answer.generationId)).toEqual([3, 3, 3])
  })

  it('or when the longest rebalance timeout is over: who has not rejoined is out', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({ rebalanceTimeoutMs: 20_000 }, {})
    const join = driver.join({ memberId: ids[0]!, rebalanceTimeoutMs: 20_000 })
    for (let waitedMs = 0; waitedMs < REBALANCE_MS; waitedMs += 5000) {
      expect(join.isParked).toBe(true)
      expect(driver.heartbeat({ memberId: ids[1]!, generationId: 2 })).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
      driver.advance(5000)
    }
    expect(join.answer.members).toHaveLength(1)
    expect(driver.heartbeat({ memberId: ids[1]!, generationId: 2 })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('when nobody has rejoined the group becomes empty', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {}, {})
    driver.leave(ids[0]!)
    driver.advance(REBALANCE_MS)
    expect(driver.state()).toBe('Empty')
    expect(driver.describe().members).toEqual([])
  })

  it('a new member that is parked is given up after five minutes, whatever its session timeout', () => {
    const driver = new GroupDriver()
    const patient = { rebalanceTimeoutMs: 2 * NEW_MEMBER_JOIN_TIMEOUT_MS }
    const { ids } = driver.stable(patient)
    const join = driver.join(patient)
    for (let waitedMs = 0; waitedMs < NEW_MEMBER_JOIN_TIMEOUT_MS; waitedMs += 5000) {
      expect(join.isParked).toBe(true)
      driver.heartbeat({ memberId: ids[0]! })
      driver.advance(5000)
    }
    expect(join.answer).toMatchObject({ error: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' })
  })
})
