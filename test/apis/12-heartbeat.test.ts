import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { joinGroup } from '../../src/apis/11-join-group.ts'
import { heartbeat } from '../../src/apis/12-heartbeat.ts'
import { apiFixture, versionsOf } from '../coordinator/api-fixture.ts'
import { subscription } from '../coordinator/group-driver.ts'

describe('Heartbeat', () => {
  it.each(versionsOf(heartbeat))('version %i', async (version) => {
    const fixture = await apiFixture()
    const { memberId } = await fixture.send(joinGroup, 2, {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription('t') }],
    })
    const errorOf = async (call: object) => {
      const request = { groupId: 'g', generationId: 1, memberId, ...call }
      return (await fixture.send(heartbeat, version, request)).errorCode
    }
    expect(await errorOf({})).toBe(ErrorCode.NONE)
    expect(await errorOf({ generationId: 2 })).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(await errorOf({ memberId: 'ghost' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(await errorOf({ groupId: '' })).toBe(ErrorCode.INVALID_GROUP_ID)
    if (version >= 3) expect(await errorOf({ groupInstanceId: 'i' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    const request = { groupId: 'g', generationId: 1, memberId }
    expect(fixture.fail(heartbeat, version, request, ErrorCode.UNKNOWN_SERVER_ERROR).errorCode).toBe(-1)
  })

  it('while the coordinator is loading, a member that heartbeats has done its part', async () => {
    const fixture = await apiFixture()
    let loaded = () => {}
    fixture.log.loading = new Promise((resolve) => {
      loaded = resolve
    })
    const reloading = fixture.groups.onTopicsDeleted(['__consumer_offsets'])
    const request = { groupId: 'g', generationId: 1, memberId: 'm' }
    expect((await fixture.send(heartbeat, 4, request)).errorCode).toBe(ErrorCode.NONE)
    loaded()
    await reloading
    expect((await fixture.send(heartbeat, 4, request)).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })
})
