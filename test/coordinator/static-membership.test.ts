import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { GroupDriver, REBALANCE_MS, range, SESSION_MS } from './group-driver.ts'

const a = { groupInstanceId: 'a' }
const b = { groupInstanceId: 'b' }

describe('static membership', () => {
  it('a new static member joins at once, under its instance id', () => {
    const { answer } = new GroupDriver().join({ ...a, requiresKnownMemberId: true })
    expect(answer).toMatchObject({ error: ErrorCode.NONE, memberId: 'a-uuid1' })
    expect(answer.members).toMatchObject([{ memberId: 'a-uuid1', groupInstanceId: 'a' }])
  })

  it('a restarted follower gets its assignment back without a rebalance', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable(a, b)
    const { answer } = driver.join({ ...b, newMemberUuid: 'new' })
    expect(answer).toMatchObject({
      ...{ error: ErrorCode.NONE, generationId, memberId: 'b-new', leader: ids[0]! },
      ...{ skipAssignment: false, members: [] },
    })
    const sync = driver.sync({ memberId: 'b-new', generationId, ...b })
    expect(sync.answer.assignment).toEqual(Buffer.from(ids[1]!))
    expect(driver.heartbeat({ memberId: ids[0]!, generationId, ...a })).toBe(ErrorCode.NONE)
    expect(driver.state()).toBe('Stable')
  })

  it('a restarted leader stays leader and is told to skip the assignment (v9)', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable(a, b)
    const { answer } = driver.join({ ...a, newMemberUuid: 'new' })
    expect(answer).toMatchObject({ generationId, memberId: 'a-new', leader: 'a-new', skipAssignment: true })
    expect(answer.members.map(({ memberId }) => memberId).sort()).toEqual(['a-new', ids[1]!])
    expect(driver.sync({ memberId: 'a-new', generationId, ...a }).answer.assignment).toEqual(Buffer.from(ids[0]!))
  })

  it('before v9 a restarted leader is told of a leader that is not itself, so that it does not assign', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable(a, b)
    const { answer } = driver.join({ ...a, canSkipAssignment: false })
    expect(answer).toMatchObject({ generationId, leader: ids[0]!, skipAssignment: false, members: [] })
    expect(answer.memberId).not.toBe(ids[0]!)
    expect(driver.state()).toBe('Stable')
  })

  it('the replaced member id is written: after a restart the old one is fenced, the new one goes on', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable(a, b)
    driver.join({ ...b, newMemberUuid: 'new' })
    driver.reload()
    expect(driver.heartbeat({ memberId: ids[1]!, generationId, ...b })).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(driver.heartbeat({ memberId: 'b-new', generationId, ...b })).toBe(ErrorCode.NONE)
  })

  it.each([
    ['JoinGroup', (driver: GroupDriver, memberId: string) => driver.join({ ...a, memberId }).answer.error],
    ['SyncGroup', (driver: GroupDriver, memberId: string) => driver.sync({ ...a, memberId }).answer.error],
    ['Heartbeat', (driver: GroupDriver, memberId: string) => driver.heartbeat({ ...a, memberId })],
    ['LeaveGroup', (driver: GroupDriver, memberId: string) => driver.leave({ ...a, memberId })[0]!],
    ['OffsetCommit', (driver: GroupDriver, memberId: string) => driver.commit({ ...a, memberId, generationId: 1 })],
  ])('%s of the old member id: FENCED_INSTANCE_ID', (_api, call) => {
    const driver = new GroupDriver()
    const { ids } = driver.stable(a)
    driver.join(a)
    expect(call(driver, ids[0]!)).toBe(ErrorCode.FENCED_INSTANCE_ID)
  })

  it('requests that are parked under the old member id are fenced at once', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable(a, b)
    driver.join({ ...a, memberId: ids[0]! })
    const parkedJoin = driver.join({ ...a, memberId: ids[0]! })
    driver.join(a)
    expect(parkedJoin.answer).toMatchObject({ error: ErrorCode.FENCED_INSTANCE_ID, memberId: ids[0]! })

    const other = new GroupDriver()
    other.stable(a)
    const second = other.join(b)
    other.join({ ...a, memberId: 'a-uuid1' })
    const parkedSync = other.sync({ ...b, memberId: second.answer.memberId, generationId })
    other.join(b)
    expect(parkedSync.answer.error).toBe(ErrorCode.FENCED_INSTANCE_ID)
  })

  it('CompletingRebalance: a replaced member rebalances, since the leader knows the old id', () => {
    const driver = new GroupDriver()
    driver.stable(a)
    driver.join(b)
    driver.join({ ...a, memberId: 'a-uuid1' })
    expect(driver.state()).toBe('CompletingRebalance')
    expect(driver.join(b).isParked).toBe(true)
    expect(driver.state()).toBe('PreparingRebalance')
  })

  it('a restart that would change the chosen protocol rebalances', () => {
    const driver = new GroupDriver()
    const both = { protocols: [range('t'), { name: 'sticky', metadata: Buffer.of(0, 0) }] }
    driver.stable({ ...a, ...both }, { ...b, ...both })
    const join = driver.join({ ...b, protocols: [both.protocols[1]!] })
    expect(join.isParked).toBe(true)
    expect(driver.join({ ...a, memberId: 'a-uuid1', ...both }).answer.protocolName).toBe('sticky')
  })

  it('a static member that is away keeps its partitions through a rebalance, until its session ends', () => {
    const driver = new GroupDriver()
    const patient = { ...a, sessionTimeoutMs: 3 * REBALANCE_MS }
    const { ids } = driver.stable(b, patient)
    const join = driver.join({ ...b, memberId: ids[0]! })
    for (let waitedMs = 0; waitedMs < REBALANCE_MS; waitedMs += 5000) driver.advance(5000)
    expect(join.answer.members.map(({ groupInstanceId }) => groupInstanceId)).toEqual(['b', 'a'])
    driver.sync({ ...b, memberId: ids[0]!, generationId: join.answer.generationId })
    for (let waitedMs = 0; waitedMs < 2 * REBALANCE_MS; waitedMs += 5000) {
      expect(driver.heartbeat({ ...b, memberId: ids[0]!, generationId: join.answer.generationId })).toBe(ErrorCode.NONE)
      driver.advance(5000)
    }
    expect(driver.describe().members.map(({ groupInstanceId }) => groupInstanceId)).toEqual(['b'])
  })

  it('when only static members are left and none rejoins, the rebalance waits on', () => {
    const driver = new GroupDriver()
    const patient = { ...a, sessionTimeoutMs: 5 * REBALANCE_MS }
    const { ids } = driver.stable({}, patient)
    driver.leave(ids[0]!)
    driver.advance(3 * REBALANCE_MS)
    expect(driver.state()).toBe('PreparingRebalance')
    expect(driver.join(a).answer.members).toHaveLength(1)
  })

  it('a static member that comes back during a rebalance and waits in it does not expire', () => {
    const driver = new GroupDriver()
    const slow = { rebalanceTimeoutMs: 6 * SESSION_MS, sessionTimeoutMs: 12 * SESSION_MS }
    const { ids } = driver.stable(slow, { ...b, rebalanceTimeoutMs: 6 * SESSION_MS })
    driver.join({ memberId: ids[0]!, ...slow })
    const back = driver.join(b)
    driver.join({ groupInstanceId: 'c', rebalanceTimeoutMs: 6 * SESSION_MS })
    const third = driver.join({ requiresKnownMemberId: true, sessionTimeoutMs: 12 * SESSION_MS })
    expect(third.answer.error).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    expect(back.isParked).toBe(false)
    const rejoined = driver.join({ ...b, rebalanceTimeoutMs: 6 * SESSION_MS })
    driver.advance(5 * SESSION_MS)
    expect(rejoined.isParked).toBe(true)
    driver.advance(SESSION_MS)
    expect(rejoined.answer.error).toBe(ErrorCode.NONE)
  })

  it('an administrator removes a member by its instance id alone', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable(a, b)
    expect(driver.leave({ groupInstanceId: 'b' })).toEqual([ErrorCode.NONE])
    expect(driver.join({ ...a, memberId: ids[0]! }).answer.members).toHaveLength(1)
  })

  it('a static member that stops without leaving expires like any other', () => {
    const driver = new GroupDriver()
    driver.stable(a)
    driver.advance(SESSION_MS)
    expect(driver.state()).toBe('Empty')
    expect(driver.join(a).answer).toMatchObject({ error: ErrorCode.NONE, generationId: 3 })
  })

  it('a returning static member restarts its session', () => {
    const driver = new GroupDriver()
    driver.stable(a)
    driver.advance(SESSION_MS - 1)
    const { memberId } = driver.join(a).answer
    driver.advance(SESSION_MS - 1)
    expect(driver.heartbeat({ ...a, memberId })).toBe(ErrorCode.NONE)
  })
})
