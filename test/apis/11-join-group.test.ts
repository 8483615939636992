import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { joinGroup } from '../../src/apis/11-join-group.ts'
import { syncGroup } from '../../src/apis/14-sync-group.ts'
import { describeGroups } from '../../src/apis/15-describe-groups.ts'
import { apiFixture, versionsOf } from '../coordinator/api-fixture.ts'
import { subscription } from '../coordinator/group-driver.ts'

const request = {
  groupId: 'g',
  sessionTimeoutMs: 10_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: subscription('t') }],
}
const versions = versionsOf(joinGroup)

describe('JoinGroup', () => {
  it.each(versions)('version %i: trap 60, MEMBER_ID_REQUIRED from version 4 on', async (version) => {
    const fixture = await apiFixture()
    const first = await fixture.send(joinGroup, version, request)
    expect(first.memberId).toMatch(/^client-/)
    if (version < 4) return expect(first).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 })
    expect(first).toMatchObject({
      ...{ errorCode: ErrorCode.MEMBER_ID_REQUIRED, generationId: -1, leader: '', members: [] },
      ...{ protocolType: null, protocolName: version >= 7 ? null : '' },
    })
    const second = await fixture.send(joinGroup, version, { ...request, memberId: first.memberId })
    expect(second).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1, memberId: first.memberId })
  })

  it.each(versions)('version %i: the leader is told of the members', async (version) => {
    const fixture = await apiFixture()
    const instance = version >= 5 ? { groupInstanceId: 'i' } : {}
    let answer = await fixture.send(joinGroup, version, { ...request, ...instance })
    if (version === 4) answer = await fixture.send(joinGroup, version, { ...request, memberId: answer.memberId })
    expect(answer).toMatchObject({
      ...{ errorCode: ErrorCode.NONE, leader: answer.memberId, protocolName: 'range', skipAssignment: false },
      protocolType: version >= 7 ? 'consumer' : null,
      members: [{ memberId: answer.memberId, metadata: subscription('t') }],
    })
    expect(answer.members[0]!.groupInstanceId).toBe(version >= 5 ? 'i' : null)
  })

  it.each(versions)('version %i: an error has no protocol: null from version 7 on', async (version) => {
    const fixture = await apiFixture()
    const answer = await fixture.send(joinGroup, version, { ...request, memberId: 'ghost' })
    expect(answer).toMatchObject({
      ...{ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: 'ghost', generationId: -1, protocolType: null },
      protocolName: version >= 7 ? null : '',
    })
    expect(fixture.fail(joinGroup, version, request, ErrorCode.UNKNOWN_SERVER_ERROR)).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_SERVER_ERROR,
      protocolName: version >= 7 ? null : '',
    })
  })

  it.each([
    [8, false],
    [9, true],
  ])('version %i: a static leader that comes back skips the assignment: %s', async (version, skipAssignment) => {
    const fixture = await apiFixture()
    const join = { ...request, groupInstanceId: 'i' }
    const first = await fixture.send(joinGroup, version, join)
    const sync = { groupId: 'g', generationId: 1, memberId: first.memberId, groupInstanceId: 'i', assignments: [] }
    await fixture.send(syncGroup, 4, sync)
    const again = await fixture.send(joinGroup, version, join)
    expect(again).toMatchObject({ generationId: 1, skipAssignment, members: { length: skipAssignment ? 1 : 0 } })
    expect(again.leader).toBe(skipAssignment ? again.memberId : first.memberId)
  })

  it('the member is described with its client id and address', async () => {
    const fixture = await apiFixture()
    fixture.clientId = null
    await fixture.send(joinGroup, 3, request)
    const { groups } = await fixture.send(describeGroups, 5, { groups: ['g'], includeAuthorizedOperations: false })
    expect(groups[0]!.members[0]).toMatchObject({ clientId: '', clientHost: '/127.0.0.1' })
  })

  it('without a rebalance timeout (version 0) the session timeout counts', async () => {
    const fixture = await apiFixture()
    await fixture.send(joinGroup, 0, request)
    const parked = fixture.send(joinGroup, 0, request)
    fixture.clock.advance(10_000)
    expect((await parked).members).toHaveLength(1)
  })
})
