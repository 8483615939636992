import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { joinGroup } from '../../src/apis/11-join-group.ts'
import { leaveGroup } from '../../src/apis/13-leave-group.ts'
import { type ApiFixture, apiFixture, versionsOf } from '../coordinator/api-fixture.ts'
import { subscription } from '../coordinator/group-driver.ts'

const join = (fixture: ApiFixture, groupInstanceId: string | null = null) => {
  return fixture.send(joinGroup, groupInstanceId === null ? 3 : 5, {
    ...{ groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', groupInstanceId },
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('t') }],
  })
}

describe('LeaveGroup', () => {
  it.each([0, 1, 2])('version %i: one member, whose error is that of the response', async (version) => {
    const fixture = await apiFixture()
    const { memberId } = await join(fixture)
    const leave = (id: string, groupId = 'g') =>
      fixture.send(leaveGroup, version, { groupId, memberId: id, members: [] })
    expect((await leave('ghost')).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect((await leave(memberId, '')).errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
    expect((await leave(memberId)).errorCode).toBe(ErrorCode.NONE)
    expect((await leave(memberId)).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it.each([3, 4, 5])('version %i: several members, each with an error of its own', async (version) => {
    const fixture = await apiFixture()
    await join(fixture, 'i')
    const members = [
      { memberId: '', groupInstanceId: 'i' },
      { memberId: '', groupInstanceId: 'nobody' },
      { memberId: 'ghost', groupInstanceId: null },
    ]
    const answer = await fixture.send(leaveGroup, version, { groupId: 'g', memberId: '', members })
    expect(answer.errorCode).toBe(ErrorCode.NONE)
    expect(answer.members).toEqual([
      { ...members[0]!, errorCode: ErrorCode.NONE },
      { ...members[1]!, errorCode: ErrorCode.UNKNOWN_MEMBER_ID },
      { ...members[2]!, errorCode: ErrorCode.UNKNOWN_MEMBER_ID },
    ])
  })

  it.each([3, 5])('version %i: an unknown group is an error of the members', async (version) => {
    const fixture = await apiFixture()
    const members = [{ memberId: 'm' }]
    const answer = await fixture.send(leaveGroup, version, { groupId: 'unknown', memberId: '', members })
    expect(answer).toMatchObject({ errorCode: ErrorCode.NONE, members: [{ memberId: 'm', errorCode: 25 }] })
  })

  it.each([3, 5])(
    'version %i: an empty group id is an error of the whole request, without members',
    async (version) => {
      const fixture = await apiFixture()
      const request = { groupId: '', memberId: '', members: [{ memberId: 'm' }] }
      expect(await fixture.send(leaveGroup, version, request)).toMatchObject({ errorCode: 24, members: [] })
    },
  )

  it.each(versionsOf(leaveGroup))('version %i: a failure', async (version) => {
    const fixture = await apiFixture()
    const request = version < 3 ? { memberId: 'm', members: [] } : { memberId: '', members: [{ memberId: 'm' }] }
    const answer = fixture.fail(leaveGroup, version, { groupId: 'g', ...request }, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect(answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect(answer.members).toEqual([])
  })
})
