import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { MAX_MEMBER_ASSIGNMENT_BYTES } from '../../src/coordinator/group/group-config.ts'
import { GroupDriver, REBALANCE_MS, SESSION_MS } from './group-driver.ts'

/** Two members, the second joined last; generation 2 waits for SyncGroup. */
function completing() {
  const driver = new GroupDriver()
  driver.stable({})
  const second = driver.join()
  const first = driver.join({ memberId: 'client-uuid1' })
  const [leader, follower] = [first.answer.memberId, second.answer.memberId]
  const assignments = [
    { memberId: leader, assignment: Buffer.from('for the leader') },
    { memberId: follower, assignment: Buffer.from('for the follower') },
  ]
  return { driver, leader, follower, assignments, generationId: 2 }
}

describe('SyncGroup', () => {
  it.each([
    ['an empty group id', { groupId: '' }, ErrorCode.INVALID_GROUP_ID],
    ['an unknown group', { groupId: 'other' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['an unknown member', { memberId: 'ghost' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['an older generation', { generationId: 0 }, ErrorCode.ILLEGAL_GENERATION],
    ['a newer generation', { generationId: 2 }, ErrorCode.ILLEGAL_GENERATION],
    ['another protocol type', { protocolType: 'connect' }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
    ['another protocol', { protocolName: 'sticky' }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
    ['the right protocol', { protocolType: 'consumer', protocolName: 'range' }, ErrorCode.NONE],
    ['an unknown instance', { groupInstanceId: 'i' }, ErrorCode.UNKNOWN_MEMBER_ID],
  ])('%s', (_what, call, error) => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    expect(driver.sync({ memberId: ids[0]!, ...call }).answer.error).toBe(error)
  })

  it('PreparingRebalance: REBALANCE_IN_PROGRESS', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.join()
    expect(driver.sync({ memberId: ids[0]! }).answer.error).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('the leader brings the assignments, which are passed on byte for byte', () => {
    const { driver, leader, follower, assignments, generationId } = completing()
    const parked = driver.sync({ memberId: follower, generationId })
    expect(parked.isParked).toBe(true)
    expect(driver.sync({ memberId: leader, generationId, assignments }).answer).toEqual({
      error: ErrorCode.NONE,
      protocolType: 'consumer',
      protocolName: 'range',
      assignment: Buffer.from('for the leader'),
    })
    expect(parked.answer.assignment).toEqual(Buffer.from('for the follower'))
    expect(driver.state()).toBe('Stable')
  })

  it('a member that the leader left out gets empty bytes', () => {
    const { driver, leader, follower, generationId } = completing()
    driver.sync({ memberId: leader, generationId, assignments: [] })
    expect(driver.sync({ memberId: follower, generationId }).answer).toMatchObject({
      error: ErrorCode.NONE,
      assignment: Buffer.alloc(0),
    })
  })

  it('assignments for members that are not in the group are dropped', () => {
    const { driver, leader, generationId, assignments } = completing()
    const ghost = { memberId: 'ghost', assignment: Buffer.from('x') }
    driver.sync({ memberId: leader, generationId, assignments: [...assignments, ghost] })
    expect(driver.describe().members).toHaveLength(2)
  })

  it('Stable: asked again, the stored assignment is answered at once', () => {
    const { driver, leader, follower, generationId, assignments } = completing()
    driver.sync({ memberId: leader, generationId, assignments })
    for (let i = 0; i < 2; i++) {
      const { answer } = driver.sync({ memberId: follower, generationId })
      expect(answer.assignment).toEqual(Buffer.from('for the follower'))
    }
    // What the leader sends now changes nothing.
    driver.sync({ memberId: leader, generationId, assignments: [{ memberId: follower, assignment: Buffer.from('x') }] })
    expect(driver.sync({ memberId: follower, generationId }).answer.assignment).toEqual(Buffer.from('for the follower'))
  })

  it('asked again over a new connection, the older request is answered too', () => {
    const { driver, leader, follower, generationId, assignments } = completing()
    const lost = driver.sync({ memberId: follower, generationId })
    const again = driver.sync({ memberId: follower, generationId })
    expect(lost.answer.error).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    driver.sync({ memberId: leader, generationId, assignments })
    expect(again.answer.error).toBe(ErrorCode.NONE)
  })

  it('a rebalance answers everybody who is parked with REBALANCE_IN_PROGRESS', () => {
    const { driver, leader, follower, generationId } = completing()
    const parked = driver.sync({ memberId: follower, generationId })
    driver.leave(leader)
    expect(parked.answer.error).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('a member that leaves while it is parked is told that it is not known', () => {
    const { driver, follower, generationId } = completing()
    const parked = driver.sync({ memberId: follower, generationId })
    driver.leave(follower)
    expect(parked.answer.error).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('members that never ask for their assignment are removed after the rebalance timeout', () => {
    const { driver, leader, follower, generationId, assignments } = completing()
    driver.sync({ memberId: leader, generationId, assignments })
    for (let waitedMs = 0; waitedMs < REBALANCE_MS; waitedMs += 5000) {
      expect(driver.heartbeat({ memberId: leader, generationId })).toBe(ErrorCode.NONE)
      expect(driver.heartbeat({ memberId: follower, generationId })).toBe(ErrorCode.NONE)
      driver.advance(5000)
    }
    expect(driver.heartbeat({ memberId: follower, generationId })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(driver.heartbeat({ memberId: leader, generationId })).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('a leader that joins and never assigns loses its place, and those who wait are told', () => {
    const { driver, leader, follower, generationId } = completing()
    const parked = driver.sync({ memberId: follower, generationId })
    for (let waitedMs = 0; waitedMs < REBALANCE_MS; waitedMs += 5000) {
      expect(parked.isParked).toBe(true)
      driver.heartbeat({ memberId: leader, generationId })
      driver.advance(5000)
    }
    expect(parked.answer.error).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(driver.join({ memberId: follower }).answer.leader).toBe(follower)
  })

  it('an assignment too large to keep is refused, and the group tries again', () => {
    const { driver, leader, follower, generationId } = completing()
    const parked = driver.sync({ memberId: follower, generationId })
    const assignments = [{ memberId: follower, assignment: Buffer.alloc(MAX_MEMBER_ASSIGNMENT_BYTES + 1) }]
    const sync = driver.sync({ memberId: leader, generationId, assignments })
    expect(sync.answer.error).toBe(ErrorCode.MESSAGE_TOO_LARGE)
    expect(parked.answer.error).toBe(ErrorCode.MESSAGE_TOO_LARGE)
    expect(driver.state()).toBe('PreparingRebalance')
  })
})

describe('Heartbeat', () => {
  it.each([
    ['an empty group id', { groupId: '' }, ErrorCode.INVALID_GROUP_ID],
    ['an unknown group', { groupId: 'other' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['an unknown member', { memberId: 'ghost' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['an unknown instance', { groupInstanceId: 'i' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['an older generation', { generationId: 0 }, ErrorCode.ILLEGAL_GENERATION],
    ['a newer generation', { generationId: 2 }, ErrorCode.ILLEGAL_GENERATION],
    ['the current one', {}, ErrorCode.NONE],
  ])('%s', (_what, call, error) => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    expect(driver.heartbeat({ memberId: ids[0]!, ...call })).toBe(error)
  })

  it('CompletingRebalance: NONE', () => {
    const { driver, follower, generationId } = completing()
    expect(driver.heartbeat({ memberId: follower, generationId })).toBe(ErrorCode.NONE)
  })

  it('keeps a session alive in every state', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {})
    for (let i = 0; i < 5; i++) {
      driver.advance(SESSION_MS - 1)
      for (const memberId of ids) expect(driver.heartbeat({ memberId, generationId: 2 })).toBe(ErrorCode.NONE)
    }
    driver.join()
    driver.advance(SESSION_MS - 1)
    for (const memberId of ids) driver.heartbeat({ memberId, generationId: 2 })
    driver.advance(SESSION_MS - 1)
    expect(driver.describe().members).toHaveLength(3)
  })
})

describe('sessions', () => {
  it('a member that is silent for its session timeout is removed, and the others rebalance', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {})
    driver.advance(SESSION_MS - 1)
    driver.heartbeat({ memberId: ids[0]!, generationId: 2 })
    driver.advance(1)
    expect(driver.heartbeat({ memberId: ids[0]!, generationId: 2 })).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(driver.heartbeat({ memberId: ids[1]!, generationId: 2 })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(driver.join({ memberId: ids[0]! }).answer.members).toHaveLength(1)
  })

  it('a member that expires during a rebalance completes it', () => {
    const driver = new GroupDriver()
    driver.stable({}, {})
    const join = driver.join({ memberId: 'client-uuid1', protocols: [{ name: 'range', metadata: Buffer.of(0, 0) }] })
    driver.advance(SESSION_MS)
    expect(join.answer.members).toHaveLength(1)
  })

  it('a member that is not heard of again after its JoinGroup was answered is removed after its session timeout', () => {
    const driver = new GroupDriver()
    driver.join()
    driver.advance(SESSION_MS - 1)
    expect(driver.state()).toBe('CompletingRebalance')
    driver.advance(1)
    expect(driver.state()).toBe('Empty')
  })

  it('a parked SyncGroup starts its session anew when it is answered', () => {
    const { driver, leader, follower, generationId } = completing()
    driver.sync({ memberId: follower, generationId })
    driver.advance(SESSION_MS - 1)
    driver.sync({ memberId: leader, generationId })
    driver.advance(SESSION_MS - 1)
    expect(driver.heartbeat({ memberId: follower, generationId })).toBe(ErrorCode.NONE)
  })

  it.each([
    ['OffsetCommit', (driver: GroupDriver, memberId: string) => driver.commit({ memberId, generationId: 1 })],
    ['SyncGroup', (driver: GroupDriver, memberId: string) => driver.sync({ memberId })],
    ['Heartbeat', (driver: GroupDriver, memberId: string) => driver.heartbeat({ memberId })],
  ])('%s is a sign of life', (_api, sign) => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    for (let i = 0; i < 3; i++) {
      driver.advance(SESSION_MS - 1)
      sign(driver, ids[0]!)
    }
    expect(driver.state()).toBe('Stable')
    driver.advance(SESSION_MS)
    expect(driver.state()).toBe('Empty')
  })
})

describe('LeaveGroup', () => {
  it.each([
    ['an unknown group', { groupId: 'other', members: [{ memberId: 'm', groupInstanceId: null }] }],
    ['an unknown member', { groupId: 'g', members: [{ memberId: 'ghost', groupInstanceId: null }] }],
    ['an unknown instance', { groupId: 'g', members: [{ memberId: '', groupInstanceId: 'i' }] }],
    ['nobody', { groupId: 'g', members: [{ memberId: '', groupInstanceId: null }] }],
  ])('%s: UNKNOWN_MEMBER_ID for the member alone', (_what, call) => {
    const driver = new GroupDriver()
    driver.stable({})
    expect(driver.ask('leaveGroup', call).answer).toEqual({
      error: ErrorCode.NONE,
      memberErrors: [ErrorCode.UNKNOWN_MEMBER_ID],
    })
    expect(driver.state()).toBe('Stable')
  })

  it('an empty group id is an error of the whole request', () => {
    expect(new GroupDriver().ask('leaveGroup', { groupId: '', members: [] }).answer.error).toBe(
      ErrorCode.INVALID_GROUP_ID,
    )
  })

  it('several members leave with one rebalance, each with an error of its own', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {}, {})
    expect(driver.leave(ids[0]!, 'ghost', ids[1]!, ids[1]!)).toEqual([
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_MEMBER_ID,
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_MEMBER_ID,
    ])
    expect(driver.join({ memberId: ids[2]! }).answer).toMatchObject({ generationId: 3, leader: ids[2]! })
  })

  it('the last member leaves an empty group, which is written', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.leave(ids[0]!)
    expect(driver.log.at(-1)).toMatchObject({
      type: 'GroupMetadata',
      value: { protocolType: 'consumer', generation: 2, protocol: null, leader: null, members: [] },
    })
    driver.reload()
    expect(driver.state()).toBe('Empty')
    expect(driver.join().answer.generationId).toBe(3)
  })
})
