import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { MAX_GROUPS_PER_SHARD, MAX_MEMBERS_PER_GROUP } from '../../src/coordinator/group/group-config.ts'
import { GroupDriver, SESSION_MS, TOPIC_ID } from './group-driver.ts'

describe('what peers can make the coordinator keep', () => {
  it('groups: new ones are refused at the limit, those that exist go on', () => {
    const driver = new GroupDriver()
    const value = { offset: 1, leaderEpoch: -1, metadata: '', commitTimestampMs: 0, expireTimestampMs: -1 }
    for (let i = 0; i < MAX_GROUPS_PER_SHARD; i++) {
      const record = { type: 'OffsetCommit', group: `g${i}`, topic: 't', partition: 0 } as const
      driver.machine.replay({ ...record, value: { ...value, topicId: TOPIC_ID } })
    }
    expect(driver.join({ groupId: 'one more' }).answer.error).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED)
    expect(driver.commit({ groupId: 'one more' })).toBe(ErrorCode.INVALID_COMMIT_OFFSET_SIZE)
    expect(driver.join({ groupId: 'g7' }).answer.error).toBe(ErrorCode.NONE)
    expect(driver.commit({ groupId: 'g8' })).toBe(ErrorCode.NONE)
    driver.ask('deleteGroup', 'g9')
    expect(driver.commit({ groupId: 'one more' })).toBe(ErrorCode.NONE)
  })

  it('ids given out to members that do not come back, until they are forgotten', () => {
    const driver = new GroupDriver()
    for (let i = 0; i < MAX_MEMBERS_PER_GROUP; i++) driver.join({ requiresKnownMemberId: true })
    expect(driver.join({ requiresKnownMemberId: true }).answer.error).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED)
    driver.advance(SESSION_MS)
    expect(driver.join({ requiresKnownMemberId: true }).answer.error).toBe(ErrorCode.MEMBER_ID_REQUIRED)
  }, 30_000)
})
