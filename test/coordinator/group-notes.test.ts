import { describe, expect, it } from 'vitest'
import { type GroupNote, groupReasonText, type StateNote } from '../../src/coordinator/group/group-notes.ts'
import { GroupDriver, REBALANCE_MS, range, SESSION_MS } from './group-driver.ts'

const steps = (driver: GroupDriver) =>
  driver.notes
    .filter((note): note is StateNote => note.kind === 'state')
    .map(({ before, after, reason, cause }) => `${before} > ${after}: ${reason.kind} (${cause?.kind})`)

const last = (driver: GroupDriver, kind: GroupNote['kind']) => driver.notes.findLast((note) => note.kind === kind)

function forget(driver: GroupDriver): GroupDriver {
  driver.notes.length = 0
  return driver
}

describe('what observers of groups are told', () => {
  it('the first member takes the group from empty to stable, and each step says why', () => {
    const driver = new GroupDriver()
    driver.stable({})
    expect(steps(driver)).toEqual([
      'Empty > PreparingRebalance: memberJoined (memberJoined)',
      'PreparingRebalance > CompletingRebalance: allJoined (memberJoined)',
      'CompletingRebalance > Stable: assigned (memberJoined)',
    ])
    expect(last(driver, 'state')).toMatchObject({ generationId: 1, memberCount: 1 })
    expect(last(driver, 'member')).toMatchObject({ change: 'joined', memberId: 'client-uuid1', memberCount: 1 })
  })

  it('a member that leaves names itself', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {})
    forget(driver).leave(ids[1]!)
    expect(steps(driver)).toEqual(['Stable > PreparingRebalance: membersLeft (membersLeft)'])
    expect(last(driver, 'member')).toMatchObject({ change: 'left', memberId: ids[1], memberCount: 1 })
    expect(groupReasonText((last(driver, 'state') as StateNote).reason)).toBe(`${ids[1]} left`)
  })

  it('the last member that leaves empties the group', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    forget(driver).leave(ids[0]!)
    expect(steps(driver)).toEqual([
      'Stable > PreparingRebalance: membersLeft (membersLeft)',
      'PreparingRebalance > Empty: noMembers (membersLeft)',
    ])
    expect(last(driver, 'state')).toMatchObject({ generationId: 2, memberCount: 0 })
  })

  it('a session that ends is told with its timeout', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    forget(driver).advance(SESSION_MS)
    const reason = { kind: 'sessionExpired', memberId: ids[0], timeoutMs: SESSION_MS }
    expect(driver.notes[0]).toMatchObject({ kind: 'member', change: 'left', reason })
    expect(driver.notes[1]).toMatchObject({ kind: 'state', after: 'PreparingRebalance', reason })
    expect(groupReasonText(reason as StateNote['reason'])).toContain(`no sign of life for ${SESSION_MS} ms`)
  })

  it('members that do not rejoin in time are named when the rebalance goes on without them', () => {
    const driver = new GroupDriver()
    const { ids, generationId } = driver.stable({ sessionTimeoutMs: REBALANCE_MS * 3 }, {})
    forget(driver).join({ memberId: ids[1]!, protocols: [range('other')] })
    expect(steps(driver)).toEqual(['Stable > PreparingRebalance: subscriptionChanged (subscriptionChanged)'])
    driver.advance(REBALANCE_MS)
    expect(last(driver, 'state')).toMatchObject({
      after: 'CompletingRebalance',
      generationId: generationId + 1,
      memberCount: 1,
      reason: { kind: 'joinTimedOut', memberIds: [ids[0]], timeoutMs: REBALANCE_MS },
      cause: { kind: 'subscriptionChanged', memberId: ids[1] },
    })
  })

  it('members that never ask for their assignment are named', () => {
    const driver = new GroupDriver()
    driver.join({ sessionTimeoutMs: REBALANCE_MS * 3 })
    forget(driver).advance(REBALANCE_MS)
    expect(driver.notes[0]).toMatchObject({ kind: 'member', reason: { kind: 'syncTimedOut' } })
  })

  it('a leader that rejoins unchanged asks for a new assignment', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    forget(driver).join({ memberId: ids[0]! })
    expect(last(driver, 'state')).toMatchObject({ cause: { kind: 'leaderRejoined', memberId: ids[0] } })
  })

  it('a follower that rejoins unchanged is nothing to tell', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({}, {})
    forget(driver).join({ memberId: ids[1]! })
    expect(driver.notes).toEqual([])
  })

  it('a static member that comes back is replaced, without a rebalance', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({ groupInstanceId: 'i' })
    forget(driver).join({ groupInstanceId: 'i' })
    const reason = { kind: 'instanceReplaced', groupInstanceId: 'i', oldMemberId: ids[0] }
    expect(driver.notes).toMatchObject([{ kind: 'member', change: 'replaced', reason }])
  })

  it('a commit is one note with the call; a refused one is none', () => {
    const driver = forget(new GroupDriver())
    driver.commit({ offset: 7 })
    expect(driver.notes).toMatchObject([
      { kind: 'commit', call: { groupId: 'g', offsets: [{ offset: 7 }] }, errors: [0] },
    ])
    forget(driver).commit({ generationId: 3, memberId: 'nobody' })
    expect(driver.notes).toEqual([])
  })

  it('a group is deleted by request, or when its last offset expires', () => {
    const driver = new GroupDriver({ 'offsets.retention.minutes': 1 })
    driver.commit({})
    driver.ask('deleteGroup', 'g')
    expect(last(driver, 'deleted')).toEqual({ kind: 'deleted', groupId: 'g', by: 'request' })
    driver.commit({})
    forget(driver).advance(600_000)
    expect(driver.notes).toEqual([{ kind: 'deleted', groupId: 'g', by: 'expiration' }])
    forget(driver).advance(600_000)
    expect(driver.notes).toEqual([])
  })
})
