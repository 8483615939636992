import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { TransactionalOffsetCommitCall } from '../../../src/coordinator/group/group-calls.ts'
import { GroupDriver, SESSION_MS, TOPIC_ID } from '../group-driver.ts'

const DAY_MS = 24 * 60 * 60_000
const UNSTABLE = 'unstable'
const NOTHING = -1

/** With and without a restart between any two steps. */
const RELOADS = [false, true]

/** A group's offsets, as two producers and an administrator change them. */
class Offsets {
  readonly driver = new GroupDriver()
  readonly #reloads: boolean

  constructor(reloads: boolean) {
    this.#reloads = reloads
  }

  step(): void {
    if (this.#reloads) this.driver.reload()
  }

  pend(
    producerId: number,
    offset: number,
    call: Partial<Omit<TransactionalOffsetCommitCall, 'offsets'>> & { topic?: string; partition?: number } = {},
  ): ErrorCode {
    const { topic = 't', partition = 0, ...rest } = call
    const { errors } = this.driver.ask('commitOffsetsInTransaction', {
      ...{ groupId: 'g', producerId, producerEpoch: 0, generationId: -1, memberId: '', groupInstanceId: null },
      ...rest,
      offsets: [{ topic, topicId: TOPIC_ID, partition, offset, leaderEpoch: -1, metadata: '' }],
    }).answer
    this.step()
    return errors[0]!
  }

  end(producerId: number, commit: boolean): void {
    const end = { producerId, producerEpoch: 0, commit, coordinatorEpoch: 0 }
    expect(this.driver.ask('endTransaction', end).answer).toBe(ErrorCode.NONE)
    this.step()
  }

  commit(offset: number): void {
    expect(this.driver.commit({ offset })).toBe(ErrorCode.NONE)
    this.step()
  }

  committed(partition = 0, topic = 't', groupId = 'g'): number {
    return this.driver.committed(topic, partition, groupId)
  }

  stable(partition = 0, topic = 't', groupId = 'g'): number | typeof UNSTABLE {
    const topics = [{ topic, partitions: [partition] }]
    const [found] = this.driver.ask('fetchOffsets', { groupId, topics, requireStable: true }).answer.topics
    const { offset, unstable } = found!.partitions[0]!
    return unstable ? UNSTABLE : offset
  }

  get groups(): readonly string[] {
    return this.driver.ask('listGroups', { states: [], types: [] }).answer.groups.map(({ groupId }) => groupId)
  }
}

describe.each(RELOADS)('offsets of transactions (restarts: %s)', (reloads) => {
  it('count once their transaction is committed, and are unstable until then', () => {
    const offsets = new Offsets(reloads)
    offsets.commit(1)
    expect(offsets.pend(1, 5)).toBe(ErrorCode.NONE)
    expect([offsets.committed(), offsets.stable(), offsets.stable(1)]).toEqual([1, UNSTABLE, NOTHING])
    offsets.end(1, true)
    expect([offsets.committed(), offsets.stable()]).toEqual([5, 5])
  })

  it('are as if they had never been when it is aborted', () => {
    const offsets = new Offsets(reloads)
    offsets.commit(1)
    offsets.pend(1, 5)
    offsets.end(1, false)
    expect([offsets.committed(), offsets.stable()]).toEqual([1, 1])
  })

  it('the later of two commits in a transaction counts, even when it is lower', () => {
    const offsets = new Offsets(reloads)
    offsets.pend(1, 9)
    offsets.pend(1, 4)
    offsets.pend(1, 7, { partition: 1 })
    offsets.end(1, true)
    expect([offsets.committed(), offsets.committed(1)]).toEqual([4, 7])
  })

  it('a plain commit after them counts more, and they are unstable all the same', () => {
    const offsets = new Offsets(reloads)
    offsets.pend(1, 5)
    offsets.commit(3)
    expect([offsets.committed(), offsets.stable()]).toEqual([3, UNSTABLE])
    offsets.end(1, true)
    expect([offsets.committed(), offsets.stable()]).toEqual([3, 3])
  })

  it('but not what is committed in the transaction after that', () => {
    const offsets = new Offsets(reloads)
    offsets.pend(1, 5)
    offsets.commit(3)
    offsets.pend(1, 6)
    offsets.end(1, true)
    expect(offsets.committed()).toBe(6)
  })

  it.each([
    { what: 'the earlier one ends first', order: [1, 2] },
    { what: 'the later one ends first', order: [2, 1] },
  ])('of two producers the later commit counts: $what', ({ order }) => {
    const offsets = new Offsets(reloads)
    offsets.pend(1, 10)
    offsets.pend(2, 20)
    offsets.end(order[0]!, true)
    expect(offsets.stable()).toBe(UNSTABLE)
    offsets.end(order[1]!, true)
    expect(offsets.stable()).toBe(20)
  })

  it.each([
    { aborted: 1, expected: 20 },
    { aborted: 2, expected: 10 },
  ])('of two producers only the committed one counts: $aborted aborts', ({ aborted, expected }) => {
    const offsets = new Offsets(reloads)
    offsets.pend(1, 10)
    offsets.pend(2, 20)
    offsets.end(aborted, false)
    expect(offsets.stable()).toBe(UNSTABLE)
    offsets.end(3 - aborted, true)
    expect(offsets.stable()).toBe(expected)
  })

  it('an end concerns its own producer, and nothing of it afterwards', () => {
    const offsets = new Offsets(reloads)
    offsets.end(1, true)
    offsets.pend(1, 5)
    offsets.end(2, true)
    expect(offsets.stable()).toBe(UNSTABLE)
    offsets.end(1, false)
    offsets.end(1, true)
    expect(offsets.stable()).toBe(NOTHING)
  })

  it('groups have their own, in one transaction', () => {
    const offsets = new Offsets(reloads)
    offsets.pend(1, 5)
    offsets.pend(1, 6, { groupId: 'h' })
    expect(offsets.stable(0, 't', 'h')).toBe(UNSTABLE)
    offsets.end(1, true)
    expect([offsets.committed(), offsets.committed(0, 't', 'h')]).toEqual([5, 6])
  })
})

describe.each(RELOADS)('groups with pending offsets (restarts: %s)', (reloads) => {
  it('a group that has nothing else is there, and is gone when the transaction is aborted', () => {
    const offsets = new Offsets(reloads)
    offsets.pend(1, 5)
    expect([offsets.groups, offsets.driver.state()]).toEqual([['g'], 'Empty'])
    offsets.end(1, false)
    expect([offsets.groups, offsets.driver.state()]).toEqual([[], 'Dead'])
  })

  it('a deleted group has no offsets when the transaction is committed', () => {
    const offsets = new Offsets(reloads)
    offsets.commit(1)
    offsets.pend(1, 5)
    offsets.pend(1, 6, { partition: 1 })
    expect(offsets.driver.ask('deleteGroup', 'g').answer.error).toBe(ErrorCode.NONE)
    offsets.step()
    offsets.end(1, true)
    expect([offsets.committed(), offsets.committed(1), offsets.groups]).toEqual([NOTHING, NOTHING, []])
  })

  it('deleted offsets stay so when the transaction is committed', () => {
    const offsets = new Offsets(reloads)
    offsets.pend(1, 5)
    offsets.pend(1, 6, { partition: 1 })
    const topics = [{ topic: 't', partitions: [0] }]
    expect(offsets.driver.ask('deleteOffsets', { groupId: 'g', topics }).answer.topicErrors).toEqual([ErrorCode.NONE])
    offsets.step()
    offsets.end(1, true)
    expect([offsets.committed(), offsets.committed(1)]).toEqual([NOTHING, 6])
  })

  it('offsets of a topic that was deleted stay so', () => {
    const offsets = new Offsets(reloads)
    offsets.pend(1, 5)
    offsets.pend(1, 6, { topic: 'u' })
    offsets.driver.ask('forgetTopics', { isGone: (topic) => topic === 't' })
    offsets.step()
    offsets.end(1, true)
    expect([offsets.committed(), offsets.committed(0, 'u')]).toEqual([NOTHING, 6])
  })

  it('nothing expires that a transaction is about to change', () => {
    const offsets = new Offsets(reloads)
    offsets.commit(1)
    offsets.pend(1, 5)
    offsets.driver.advance(8 * DAY_MS)
    offsets.step()
    expect([offsets.committed(), offsets.groups]).toEqual([1, ['g']])
    offsets.end(1, false)
    offsets.driver.advance(DAY_MS)
    expect([offsets.committed(), offsets.groups]).toEqual([NOTHING, []])
  })
})

describe('who may commit offsets in a transaction', () => {
  const { NONE, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID } = ErrorCode

  it.each([
    { what: 'nobody in particular', call: {}, error: NONE },
    { what: 'a generation', call: { generationId: 1, memberId: 'm' }, error: ILLEGAL_GENERATION },
    { what: 'generation 0', call: { generationId: 0 }, error: ILLEGAL_GENERATION },
  ])('without a group: $what', ({ call, error }) => {
    expect(new Offsets(false).pend(1, 5, call)).toBe(error)
  })

  it('a group with members: its own generation, or whoever says nothing', () => {
    const offsets = new Offsets(false)
    const { ids, generationId } = offsets.driver.stable({ groupInstanceId: 'i' }, {})
    const errorOf = (call: object) => offsets.pend(1, 5, call)
    const [fixed, other] = ids as [string, string]
    expect(errorOf({})).toBe(NONE)
    expect(errorOf({ memberId: other, generationId })).toBe(NONE)
    expect(errorOf({ memberId: fixed, generationId, groupInstanceId: 'i' })).toBe(NONE)
    expect(errorOf({ memberId: other, generationId: generationId - 1 })).toBe(ILLEGAL_GENERATION)
    expect(errorOf({ memberId: other, generationId: generationId + 1 })).toBe(ILLEGAL_GENERATION)
    expect(errorOf({ memberId: 'ghost', generationId })).toBe(UNKNOWN_MEMBER_ID)
    expect(errorOf({ memberId: 'ghost' })).toBe(UNKNOWN_MEMBER_ID)
    expect(errorOf({ memberId: other, generationId, groupInstanceId: 'i' })).toBe(FENCED_INSTANCE_ID)
    expect(errorOf({ memberId: other, generationId, groupInstanceId: 'j' })).toBe(UNKNOWN_MEMBER_ID)
  })

  it('a generation that waits for its assignment', () => {
    const offsets = new Offsets(false)
    const { memberId, generationId } = offsets.driver.join().answer
    expect(offsets.driver.state()).toBe('CompletingRebalance')
    expect(offsets.pend(1, 5, { memberId, generationId })).toBe(NONE)
  })

  it("it is the producer's word, no sign of life of the member", () => {
    const offsets = new Offsets(false)
    const { ids, generationId } = offsets.driver.stable({})
    offsets.driver.advance(SESSION_MS - 1)
    expect(offsets.pend(1, 5, { memberId: ids[0]!, generationId })).toBe(NONE)
    offsets.driver.advance(2)
    expect(offsets.driver.state()).toBe('Empty')
  })
})
