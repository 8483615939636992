import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { joinGroup } from '../../src/apis/11-join-group.ts'
import { syncGroup } from '../../src/apis/14-sync-group.ts'
import { apiFixture, versionsOf } from '../coordinator/api-fixture.ts'
import { subscription } from '../coordinator/group-driver.ts'

async function joined() {
  const fixture = await apiFixture()
  const { memberId } = await fixture.send(joinGroup, 3, {
    ...{ groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '' },
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('t') }],
  })
  const assignments = [{ memberId, assignment: Buffer.from('all') }]
  return { fixture, request: { groupId: 'g', generationId: 1, memberId, assignments } }
}

const protocol = { protocolType: 'consumer', protocolName: 'range' }

describe('SyncGroup', () => {
  it.each(versionsOf(syncGroup))('version %i', async (version) => {
    const { fixture, request } = await joined()
    const whole = version >= 5 ? { ...request, ...protocol } : request
    const answer = await fixture.send(syncGroup, version, whole)
    expect(answer).toMatchObject({ errorCode: ErrorCode.NONE, assignment: Buffer.from('all') })
    const told = version >= 5 ? protocol : { protocolType: null, protocolName: null }
    expect(answer).toMatchObject(told)
  })

  it.each([
    ['no protocol type', { protocolName: 'range' }],
    ['no protocol', { protocolType: 'consumer' }],
    ['another protocol type', { ...protocol, protocolType: 'connect' }],
    ['another protocol', { ...protocol, protocolName: 'sticky' }],
  ])('version 5: %s is INCONSISTENT_GROUP_PROTOCOL', async (_what, named) => {
    const { fixture, request } = await joined()
    expect(await fixture.send(syncGroup, 5, { ...request, ...named })).toMatchObject({
      errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      protocolType: null,
      protocolName: null,
      assignment: Buffer.alloc(0),
    })
  })

  it.each(versionsOf(syncGroup))('version %i: a failure has empty bytes', async (version) => {
    const { fixture, request } = await joined()
    expect(fixture.fail(syncGroup, version, request, ErrorCode.UNKNOWN_SERVER_ERROR)).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_SERVER_ERROR,
      assignment: Buffer.alloc(0),
    })
  })
})
