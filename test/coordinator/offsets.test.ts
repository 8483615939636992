import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { MAX_OFFSETS_PER_GROUP } from '../../src/coordinator/group/group-config.ts'
import { GroupDriver, range, SESSION_MS, subscription, TOPIC_ID } from './group-driver.ts'

const DAY_MS = 24 * 60 * 60_000
const RETENTION_MS = 7 * DAY_MS
/** Expired offsets go at the first check after their time. */
const CHECK_MS = 600_000

describe('OffsetCommit: who may', () => {
  it.each([
    ['no group, no generation: a simple group comes to be', { generationId: -1 }, ErrorCode.NONE],
    ['no group, a generation', { generationId: 0 }, ErrorCode.GROUP_ID_NOT_FOUND],
    [
      'no group, a generation, before v9',
      { generationId: 3, missingGroupError: ErrorCode.ILLEGAL_GENERATION },
      ErrorCode.ILLEGAL_GENERATION,
    ],
    ['an empty group id', { groupId: '', generationId: -1 }, ErrorCode.NONE],
  ])('%s', (_what, call, error) => {
    const driver = new GroupDriver()
    expect(driver.commit(call)).toBe(error)
    expect(driver.committed('t', 0, 'groupId' in call ? call.groupId : 'g')).toBe(error === ErrorCode.NONE ? 5 : -1)
  })

  it.each([
    ['an administrator', { generationId: -1 }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['a generation without a member', { generationId: 1 }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['an unknown member', { generationId: 1, memberId: 'ghost' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['an unknown instance', { generationId: 1, groupInstanceId: 'i' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['a member of an older generation', { generationId: 0, memberId: 'client-uuid1' }, ErrorCode.ILLEGAL_GENERATION],
    ['a member of a newer generation', { generationId: 2, memberId: 'client-uuid1' }, ErrorCode.ILLEGAL_GENERATION],
    ['a member without a generation', { generationId: -1, memberId: 'client-uuid1' }, ErrorCode.ILLEGAL_GENERATION],
    ['a member', { generationId: 1, memberId: 'client-uuid1' }, ErrorCode.NONE],
  ])('a group with members: %s', (_what, call, error) => {
    const driver = new GroupDriver()
    driver.stable({})
    expect(driver.commit(call)).toBe(error)
    expect(driver.committed()).toBe(error === ErrorCode.NONE ? 5 : -1)
  })

  it('PreparingRebalance: the old generation may still commit', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.join()
    expect(driver.state()).toBe('PreparingRebalance')
    expect(driver.commit({ memberId: ids[0]!, generationId: 1 })).toBe(ErrorCode.NONE)
  })

  it('CompletingRebalance: REBALANCE_IN_PROGRESS', () => {
    const driver = new GroupDriver()
    const { memberId, generationId } = driver.join().answer
    expect(driver.commit({ memberId, generationId })).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(driver.committed()).toBe(-1)
  })

  it('an empty group that had members: an administrator may, a former member may not', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.leave(ids[0]!)
    expect(driver.commit({ memberId: ids[0]!, generationId: 1 })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(driver.commit()).toBe(ErrorCode.NONE)
  })
})

describe('OffsetCommit: what is kept', () => {
  it.each([-1, 0, 5, Number.MAX_SAFE_INTEGER])('offset %i is stored as it is', (offset) => {
    const driver = new GroupDriver()
    driver.commit({ offset, leaderEpoch: 3, metadata: 'why' })
    driver.reload()
    const { topics } = driver.ask('fetchOffsets', { groupId: 'g', topics: null }).answer
    expect(topics).toEqual([{ topic: 't', partitions: [{ partition: 0, offset, leaderEpoch: 3, metadata: 'why' }] }])
  })

  it('the last commit wins, also when it goes back', () => {
    const driver = new GroupDriver()
    for (const offset of [5, 9, 2]) driver.commit({ offset })
    expect(driver.committed()).toBe(2)
  })

  it('metadata longer than offset.metadata.max.bytes are refused, the other partitions are not', () => {
    const driver = new GroupDriver({ 'offset.metadata.max.bytes': 4 })
    const offset = (partition: number, metadata: string) => {
      return { topic: 't', topicId: TOPIC_ID, partition, offset: 1, leaderEpoch: -1, metadata }
    }
    const { errors } = driver.ask('commitOffsets', {
      ...{ groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null, retentionTimeMs: -1 },
      missingGroupError: ErrorCode.ILLEGAL_GENERATION,
      offsets: [offset(0, '1234'), offset(1, '12345'), offset(2, '')],
    }).answer
    expect(errors).toEqual([ErrorCode.NONE, ErrorCode.OFFSET_METADATA_TOO_LARGE, ErrorCode.NONE])
    expect([0, 1, 2].map((partition) => driver.committed('t', partition))).toEqual([1, -1, 1])
  })

  it('a group cannot commit more partitions than the limit; those it has can go on', () => {
    const driver = new GroupDriver()
    const value = { offset: 1, leaderEpoch: -1, metadata: '', commitTimestampMs: 0, expireTimestampMs: -1 }
    for (let partition = 0; partition < MAX_OFFSETS_PER_GROUP; partition++) {
      const record = { type: 'OffsetCommit', group: 'g', topic: 't', partition } as const
      driver.machine.replay({ ...record, value: { ...value, topicId: TOPIC_ID } })
    }
    expect(driver.commit({ topic: 'u' })).toBe(ErrorCode.INVALID_COMMIT_OFFSET_SIZE)
    expect(driver.commit({ topic: 't', partition: 7 })).toBe(ErrorCode.NONE)
  })

  it('offsets of open transactions count, whoever commits them', () => {
    const { machine } = new GroupDriver()
    const offset = { topic: 'u', topicId: TOPIC_ID, partition: 0, offset: 1, leaderEpoch: -1, metadata: '' }
    const value = { ...offset, commitTimestampMs: 0, expireTimestampMs: -1 }
    const half = MAX_OFFSETS_PER_GROUP / 2
    for (let n = 0; n < MAX_OFFSETS_PER_GROUP; n++) {
      const record = { type: 'OffsetCommit', group: 'g', topic: 't', partition: n, value } as const
      machine.replay(record, n < half ? null : { producerId: n % 3, producerEpoch: 0 })
    }
    const call = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null, offsets: [offset] }
    const request = { type: 'commitOffsetsInTransaction', call: { ...call, producerId: 9, producerEpoch: 0 } } as const
    const commit = () => machine.handle({ kind: 'request', token: 1, request }, 0).replies[0]!.response
    expect(commit()).toEqual({ errors: [ErrorCode.INVALID_COMMIT_OFFSET_SIZE] })
    machine.replayTransactionEnd({ producerId: 1, producerEpoch: 0, commit: false, coordinatorEpoch: 0 })
    expect(commit()).toEqual({ errors: [ErrorCode.NONE] })
  })
})

describe('OffsetFetch', () => {
  it('null is everything, an empty list nothing, and what was asked for is answered in order', () => {
    const driver = new GroupDriver()
    driver.commit({ topic: 'b', partition: 1, offset: 1 })
    driver.commit({ topic: 'a', partition: 0, offset: 2 })
    driver.commit({ topic: 'b', partition: 0, offset: 3 })
    const fetch = (topics: { topic: string; partitions: number[] }[] | null) => {
      const { answer } = driver.ask('fetchOffsets', { groupId: 'g', topics })
      return answer.topics.map(({ topic, partitions }) => [topic, partitions.map(({ offset }) => offset)])
    }
    expect(fetch(null)).toEqual([
      ['b', [1, 3]],
      ['a', [2]],
    ])
    expect(fetch([])).toEqual([])
    expect(fetch([{ topic: 'b', partitions: [0, 1, 2] }])).toEqual([['b', [3, 1, -1]]])
  })
})

describe('OffsetDelete', () => {
  const remove = (driver: GroupDriver, topic = 't', groupId = 'g') => {
    return driver.ask('deleteOffsets', { groupId, topics: [{ topic, partitions: [0] }] }).answer
  }

  it('an unknown group', () => {
    expect(remove(new GroupDriver()).error).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
  })

  it('a group without members; the simple group is gone with its last offset', () => {
    const driver = new GroupDriver()
    driver.commit()
    expect(remove(driver)).toEqual({ error: ErrorCode.NONE, topicErrors: [ErrorCode.NONE] })
    expect(driver.committed()).toBe(-1)
    expect(driver.state()).toBe('Dead')
    driver.reload()
    expect(driver.committed()).toBe(-1)
  })

  it('a topic that a member subscribes to is refused, another is not', () => {
    const driver = new GroupDriver()
    for (const topic of ['t', 'u']) driver.commit({ topic })
    driver.stable({})
    expect(remove(driver, 't').topicErrors).toEqual([ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC])
    expect(remove(driver, 'u').topicErrors).toEqual([ErrorCode.NONE])
    expect([driver.committed('t'), driver.committed('u')]).toEqual([5, -1])
  })

  it('a subscription that cannot be read might be to any topic', () => {
    const driver = new GroupDriver()
    driver.commit({ topic: 'u' })
    driver.stable({ protocols: [{ name: 'own', metadata: Buffer.from('not the consumer protocol') }] })
    expect(remove(driver, 'u').topicErrors).toEqual([ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC])
  })

  it('a group of another protocol type with members: NON_EMPTY_GROUP', () => {
    const driver = new GroupDriver()
    driver.commit()
    driver.stable({ protocolType: 'connect' })
    expect(remove(driver).error).toBe(ErrorCode.NON_EMPTY_GROUP)
  })
})

describe('DeleteGroups', () => {
  const remove = (driver: GroupDriver, groupId = 'g') => driver.ask('deleteGroup', groupId).answer.error

  it('an unknown group', () => {
    expect(remove(new GroupDriver())).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
  })

  it.each(['', 'g'])('group %j without members goes with its offsets, for good', (groupId) => {
    const driver = new GroupDriver()
    driver.commit({ groupId })
    expect(remove(driver, groupId)).toBe(ErrorCode.NONE)
    expect(driver.committed('t', 0, groupId)).toBe(-1)
    expect(remove(driver, groupId)).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
    driver.reload()
    expect(driver.committed('t', 0, groupId)).toBe(-1)
  })

  it('a group with members, in any state: NON_EMPTY_GROUP', () => {
    const driver = new GroupDriver()
    const { memberId, generationId } = driver.join().answer
    expect(remove(driver)).toBe(ErrorCode.NON_EMPTY_GROUP)
    driver.sync({ memberId, generationId })
    expect(remove(driver)).toBe(ErrorCode.NON_EMPTY_GROUP)
    driver.join()
    expect(remove(driver)).toBe(ErrorCode.NON_EMPTY_GROUP)
  })

  it('a group whose members have left is tombstoned after its offsets', () => {
    const driver = new GroupDriver()
    driver.commit()
    const { ids } = driver.stable({})
    driver.leave(ids[0]!)
    expect(remove(driver)).toBe(ErrorCode.NONE)
    expect(driver.log.slice(-2)).toEqual([
      { type: 'OffsetCommit', group: 'g', topic: 't', partition: 0, value: null },
      { type: 'GroupMetadata', group: 'g', value: null },
    ])
    driver.reload()
    expect(driver.state()).toBe('Dead')
  })
})

describe('expiration of offsets', () => {
  const until = (driver: GroupDriver, ms: number) => driver.advance(ms + CHECK_MS)

  it('a simple group: since the last commit', () => {
    const driver = new GroupDriver()
    driver.commit({ partition: 0 })
    driver.advance(3 * DAY_MS)
    driver.commit({ partition: 1 })
    until(driver, RETENTION_MS - 3 * DAY_MS)
    expect([driver.committed('t', 0), driver.committed('t', 1)]).toEqual([-1, 5])
    until(driver, 3 * DAY_MS)
    expect(driver.state()).toBe('Dead')
    driver.reload()
    expect(driver.committed('t', 1)).toBe(-1)
  })

  it('a group that had members: since it became empty', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.commit({ memberId: ids[0]!, generationId: 1 })
    driver.leave(ids[0]!)
    driver.advance(RETENTION_MS - CHECK_MS)
    expect(driver.committed()).toBe(5)
    until(driver, CHECK_MS)
    expect(driver.committed()).toBe(-1)
    expect(driver.state()).toBe('Dead')
  })

  it('also when the broker restarted in between', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.commit({ memberId: ids[0]!, generationId: 1 })
    driver.leave(ids[0]!)
    driver.advance(RETENTION_MS / 2)
    driver.reload()
    driver.advance(RETENTION_MS / 2 - CHECK_MS)
    expect(driver.committed()).toBe(5)
    until(driver, CHECK_MS)
    expect(driver.committed()).toBe(-1)
  })

  it('a group in use: only of topics that no member subscribes to any more', () => {
    const driver = new GroupDriver()
    const alive = { sessionTimeoutMs: 1_800_000 }
    const { ids } = driver.stable(alive)
    for (const topic of ['t', 'u']) driver.commit({ topic, memberId: ids[0]!, generationId: 1 })
    for (let passedMs = 0; passedMs < RETENTION_MS + CHECK_MS; passedMs += CHECK_MS) {
      driver.heartbeat({ memberId: ids[0]! })
      driver.advance(CHECK_MS)
    }
    expect([driver.committed('t'), driver.committed('u')]).toEqual([5, -1])
  })

  it('during a rebalance nothing expires', () => {
    const driver = new GroupDriver()
    const alive = { sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: RETENTION_MS * 3, groupInstanceId: 'i' }
    const { ids } = driver.stable(alive)
    driver.commit({ topic: 'u', memberId: ids[0]!, generationId: 1 })
    driver.join({ ...alive, groupInstanceId: 'j' })
    for (let passedMs = 0; passedMs < RETENTION_MS + CHECK_MS; passedMs += CHECK_MS) {
      driver.heartbeat({ memberId: ids[0]! })
      driver.advance(CHECK_MS)
    }
    expect(driver.committed('u')).toBe(5)
  })

  it('an explicit retention (v2 to v4) counts from the commit, and outlives a restart', () => {
    const driver = new GroupDriver()
    driver.commit({ partition: 0, retentionTimeMs: DAY_MS })
    driver.commit({ partition: 1, retentionTimeMs: 30 * DAY_MS })
    driver.commit({ partition: 2 })
    driver.reload()
    until(driver, DAY_MS)
    expect([0, 1, 2].map((partition) => driver.committed('t', partition))).toEqual([-1, 5, 5])
    until(driver, RETENTION_MS)
    expect([0, 1, 2].map((partition) => driver.committed('t', partition))).toEqual([-1, 5, -1])
    until(driver, 30 * DAY_MS)
    expect(driver.state()).toBe('Dead')
  })

  it('a group without members and offsets is forgotten at the next check', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.leave(ids[0]!)
    expect(driver.state()).toBe('Empty')
    driver.advance(CHECK_MS)
    expect(driver.state()).toBe('Dead')
    expect(driver.log.at(-1)).toEqual({ type: 'GroupMetadata', group: 'g', value: null })
  })

  it('but not while somebody has been given an id to join with', () => {
    const driver = new GroupDriver()
    const { ids } = driver.stable({})
    driver.leave(ids[0]!)
    driver.advance(CHECK_MS - 1)
    const { memberId } = driver.join({ requiresKnownMemberId: true }).answer
    driver.advance(1)
    expect(driver.join({ memberId }).answer.error).toBe(ErrorCode.NONE)
  })
})

describe('topics that are deleted', () => {
  it('take their offsets in all groups with them, groups in use too', () => {
    const driver = new GroupDriver()
    for (const groupId of ['g', 'h']) for (const topic of ['t', 'u']) driver.commit({ groupId, topic })
    driver.stable({})
    driver.ask('forgetTopics', { isGone: (topic) => topic === 't' })
    for (const groupId of ['g', 'h']) {
      expect([driver.committed('t', 0, groupId), driver.committed('u', 0, groupId)]).toEqual([-1, 5])
    }
    driver.reload()
    expect(driver.committed('t')).toBe(-1)
  })
})

describe('the subscription of a member', () => {
  const isSubscribed = (metadata: Buffer, topic: string) => {
    const driver = new GroupDriver()
    driver.commit({ topic })
    driver.stable({ protocols: [{ name: 'p', metadata }] })
    const { topicErrors } = driver.ask('deleteOffsets', { groupId: 'g', topics: [{ topic, partitions: [0] }] }).answer
    return topicErrors[0] === ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
  }
  const versioned = (version: number) => Buffer.concat([Buffer.from([0, version]), subscription('t').subarray(2)])

  it.each([0, 1, 2, 3, 4, 127])('version %i is read as far as all versions agree', (version) => {
    expect(isSubscribed(versioned(version), 't')).toBe(true)
    expect(isSubscribed(versioned(version), 'u')).toBe(false)
    expect(isSubscribed(Buffer.concat([versioned(version), Buffer.from('more')]), 'u')).toBe(false)
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a negative version', Buffer.from([255, 255, 0, 0, 0, 0])],
    ['a negative number of topics', Buffer.from([0, 0, 255, 255, 255, 255])],
    ['more topics than bytes', Buffer.from([0, 0, 127, 255, 255, 255])],
    ['a topic cut off', range('topic').metadata.subarray(0, 10)],
  ])('%s is no subscription: any topic might be in use', (_what, metadata) => {
    expect(isSubscribed(metadata, 'u')).toBe(true)
  })

  it('after the session of its last member a group is subscribed to nothing', () => {
    const driver = new GroupDriver()
    driver.commit()
    driver.stable({})
    driver.advance(SESSION_MS)
    const { answer } = driver.ask('deleteOffsets', { groupId: 'g', topics: [{ topic: 't', partitions: [0] }] })
    expect(answer.topicErrors).toEqual([ErrorCode.NONE])
  })
})
