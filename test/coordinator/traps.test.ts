import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { GroupDriver, range, SESSION_MS } from './group-driver.ts'

/** Ways a naive coordinator breaks real clients, by the number they have in the list of traps. */
describe('traps of the group coordinator', () => {
  it('trap 60: MEMBER_ID_REQUIRED for new dynamic members from v4 on, never before and never for static ones', () => {
    const driver = new GroupDriver()
    expect(driver.join({ requiresKnownMemberId: true }).answer.error).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    expect(driver.join({ groupId: 'old', requiresKnownMemberId: false }).answer.error).toBe(ErrorCode.NONE)
    const fixed = { groupId: 'static', groupInstanceId: 'i', requiresKnownMemberId: true }
    expect(driver.join(fixed).answer.error).toBe(ErrorCode.NONE)
  })

  it('trap 60: lost answers leave no ghost members behind', () => {
    const driver = new GroupDriver()
    for (let i = 0; i < 5; i++) driver.join({ requiresKnownMemberId: true })
    expect(driver.describe().members).toEqual([])
    driver.advance(SESSION_MS)
    expect(driver.state()).toBe('Dead')
  })

  it.each([
    [0, 1],
    [3000, 3001],
  ])('trap 61: an initial rebalance delay of %i ms is what it says', (delayMs, afterMs) => {
    const driver = new GroupDriver({ 'group.initial.rebalance.delay.ms': delayMs })
    const join = driver.join()
    expect(join.isParked).toBe(delayMs > 0)
    driver.advance(afterMs)
    expect(join.answer.generationId).toBe(1)
  })

  it('trap 62: a member that waits in JoinGroup does not expire', () => {
    const driver = new GroupDriver()
    const slow = { rebalanceTimeoutMs: 10 * SESSION_MS }
    const { ids } = driver.stable(slow, { ...slow, sessionTimeoutMs: 20 * SESSION_MS })
    const waiting = driver.join({ ...slow, memberId: ids[0]! })
    driver.advance(5 * SESSION_MS)
    expect(waiting.isParked).toBe(true)
    driver.join({ ...slow, memberId: ids[1]! })
    expect(waiting.answer.members).toHaveLength(2)
  })

  it('trap 62: a member that waits in SyncGroup does not expire', () => {
    const driver = new GroupDriver()
    const slow = { rebalanceTimeoutMs: 10 * SESSION_MS, sessionTimeoutMs: 20 * SESSION_MS }
    driver.stable(slow)
    const second = driver.join({ rebalanceTimeoutMs: 10 * SESSION_MS })
    const { generationId } = driver.join({ ...slow, memberId: 'client-uuid1' }).answer
    const waiting = driver.sync({ memberId: second.answer.memberId, generationId })
    driver.advance(5 * SESSION_MS)
    expect(waiting.isParked).toBe(true)
    driver.sync({ memberId: 'client-uuid1', generationId })
    expect(waiting.answer.error).toBe(ErrorCode.NONE)
    driver.advance(SESSION_MS - 1)
    expect(driver.heartbeat({ memberId: second.answer.memberId, generationId })).toBe(ErrorCode.NONE)
  })

  it('trap 63: a follower that rejoins without a change disturbs nobody', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable({}, {})
    const { answer } = driver.join({ memberId: ids[1]! })
    expect(answer).toMatchObject({ generationId, leader: ids[0]!, memberId: ids[1]!, members: [] })
    expect(driver.state()).toBe('Stable')
  })

  it('trap 63: a leader that rejoins starts a rebalance, changed or not', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {})
    expect(driver.join({ memberId: ids[0]! }).isParked).toBe(true)
    expect(driver.state()).toBe('PreparingRebalance')
  })

  it('trap 64: during PreparingRebalance members of the last generation hear 27, not 22 or 25', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable({}, {})
    driver.join()
    for (const memberId of ids) {
      expect(driver.heartbeat({ memberId, generationId })).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    }
  })

  it('trap 65: SyncGroup of a follower waits for the assignment of the leader', () => {
    const driver = new GroupDriver()
    driver.stable({})
    const second = driver.join()
    const { generationId } = driver.join({ memberId: 'client-uuid1' }).answer
    const follower = driver.sync({ memberId: second.answer.memberId, generationId })
    expect(follower.isParked).toBe(true)
    const assignments = [{ memberId: second.answer.memberId, assignment: Buffer.from('partitions') }]
    driver.sync({ memberId: 'client-uuid1', generationId, assignments })
    expect(follower.answer.assignment).toEqual(Buffer.from('partitions'))
  })

  it('trap 66: generation, members and assignments outlive a restart; members go on without a rebalance', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable({}, { groupInstanceId: 'i' })
    const before = driver.describe()
    driver.advance(SESSION_MS - 1)
    driver.reload()
    expect(driver.describe()).toEqual(before)
    // Sessions start anew: nobody could heartbeat while there was no broker.
    driver.advance(SESSION_MS - 1)
    for (const memberId of ids) expect(driver.heartbeat({ memberId, generationId })).toBe(ErrorCode.NONE)
    expect(driver.commit({ memberId: ids[0]!, generationId })).toBe(ErrorCode.NONE)
    expect(driver.sync({ memberId: ids[1]!, generationId }).answer.assignment).toEqual(Buffer.from(ids[1]!))
    driver.advance(SESSION_MS)
    expect(driver.state()).toBe('Empty')
  })

  it('trap 66: a generation that was never complete is not there after a restart', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable({})
    driver.join()
    driver.join({ memberId: ids[0]! })
    driver.reload()
    expect(driver.describe()).toMatchObject({ state: 'Stable', members: [{ memberId: ids[0]! }] })
    expect(driver.heartbeat({ memberId: ids[0]!, generationId: generationId + 1 })).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(driver.heartbeat({ memberId: ids[0]!, generationId })).toBe(ErrorCode.NONE)
  })

  it('trap 67: a static member comes back without a rebalance, and its old member id is fenced', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable({ groupInstanceId: 'a' }, { groupInstanceId: 'b' })
    expect(driver.join({ groupInstanceId: 'b' }).answer.generationId).toBe(generationId)
    expect(driver.state()).toBe('Stable')
    const old = { memberId: ids[1]!, groupInstanceId: 'b', generationId }
    expect(driver.heartbeat(old)).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(driver.commit(old)).toBe(ErrorCode.FENCED_INSTANCE_ID)
  })

  it('trap 68: offsets of unknown groups and partitions are -1 without an error', () => {
    const driver = new GroupDriver()
    driver.commit({ groupId: 'known' })
    for (const groupId of ['unknown', 'known']) {
      const topics = [{ topic: 'nowhere', partitions: [0, 7] }]
      const nothing = { offset: -1, leaderEpoch: -1, metadata: '' }
      expect(driver.ask('fetchOffsets', { groupId, topics }).answer).toEqual({
        error: ErrorCode.NONE,
        topics: [
          {
            topic: 'nowhere',
            partitions: [
              { partition: 0, ...nothing },
              { partition: 7, ...nothing },
            ],
          },
        ],
      })
    }
    expect(driver.state('unknown')).toBe('Dead')
  })

  it('trap 69: metadata come back as they were committed, and are never null', () => {
    const driver = new GroupDriver()
    driver.commit({ partition: 0, metadata: 'AQAAAYx+stream time' })
    driver.commit({ partition: 1 })
    driver.reload()
    const { topics } = driver.ask('fetchOffsets', { groupId: 'g', topics: null }).answer
    expect(topics[0]!.partitions.map(({ metadata }) => metadata)).toEqual(['AQAAAYx+stream time', ''])
  })

  it('trap 71: a zombie of an older generation cannot rewind the group', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.commit({ memberId: ids[0]!, generationId: 1, offset: 100 })
    const second = driver.join()
    driver.advance(SESSION_MS)
    const { memberId, generationId } = second.answer
    driver.sync({ memberId, generationId })
    expect(driver.commit({ memberId: ids[0]!, generationId: 1, offset: 7 })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(driver.commit({ memberId, generationId: 1, offset: 7 })).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(driver.committed()).toBe(100)
  })

  it('trap 72: offsets of a partition without traffic stay while the group consumes it', () => {
    const driver = new GroupDriver({ 'offsets.retention.minutes': 1 })
    const { ids } = driver.stable({ sessionTimeoutMs: 1_800_000 })
    driver.commit({ memberId: ids[0]!, generationId: 1 })
    for (let i = 0; i < 20; i++) {
      driver.advance(600_000)
      driver.heartbeat({ memberId: ids[0]! })
    }
    expect(driver.committed()).toBe(5)
  })

  it('trap 74: a coordinator without a log is ready at once', () => {
    const driver = new GroupDriver()
    expect(driver.log).toEqual([])
    expect(driver.join().answer.error).toBe(ErrorCode.NONE)
    expect(driver.commit({ groupId: 'other' })).toBe(ErrorCode.NONE)
  })

  it('trap 76: a group that does not exist is dead and not found', () => {
    expect(new GroupDriver().describe('nope')).toEqual({
      error: ErrorCode.GROUP_ID_NOT_FOUND,
      message: 'Group nope not found.',
      groupId: 'nope',
      state: 'Dead',
      protocolType: '',
      protocol: '',
      members: [],
    })
  })

  it('a cooperative rebalance settles: revoke, rejoin as leader, assign, and nobody rejoins again', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {})
    // The leader's metadata changes when it gives up partitions; it rejoins, the follower follows the 27.
    const leader = driver.join({ memberId: ids[0]!, protocols: [range('t', 'revoked')] })
    const follower = driver.join({ memberId: ids[1]! })
    const { generationId } = leader.answer
    expect(follower.answer.generationId).toBe(generationId)
    driver.sync({ memberId: ids[0]!, generationId })
    driver.sync({ memberId: ids[1]!, generationId })
    expect(driver.join({ memberId: ids[1]! }).answer.generationId).toBe(generationId)
    expect(driver.state()).toBe('Stable')
  })
})
