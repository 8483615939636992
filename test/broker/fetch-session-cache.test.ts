import { describe, expect, it } from 'vitest'
import { ZERO_UUID } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { FetchRequest } from '../../protocol/messages/01-fetch.ts'
import { type FetchPlan, FetchSessionCache } from '../../src/broker/fetch-session-cache.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'

const NAMES = 12
const IDS = 13

interface Asked {
  session?: number
  epoch?: number
  partitions?: Record<string, number[]>
  forgotten?: Record<string, number[]>
  offset?: number
}

function request({ session = 0, epoch = -1, partitions = {}, forgotten = {}, offset = 0 }: Asked): FetchRequest {
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1 },
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1_000_000,
    isolationLevel: 0,
    sessionId: session,
    sessionEpoch: epoch,
    rackId: '',
    topics: Object.entries(partitions).map(([topic, indexes]) => ({
      topic,
      topicId: ZERO_UUID,
      partitions: indexes.map((partition) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: offset,
        lastFetchedEpoch: -1,
        logStartOffset: -1,
        partitionMaxBytes: 1_000_000,
        replicaDirectoryId: ZERO_UUID,
        highWatermark: Number.MAX_SAFE_INTEGER,
      })),
    })),
    forgottenTopicsData: Object.entries(forgotten).map(([topic, indexes]) => ({
      topic,
      topicId: ZERO_UUID,
      partitions: indexes,
    })),
  }
}

function sessions(slots = 10) {
  const clock = new SimulatedClock()
  return { clock, cache: new FetchSessionCache(clock, new SimulatedRandom(1), slots) }
}

function planned(plan: FetchPlan) {
  if (!('partitions' in plan)) throw new Error(`refused with ${plan.error}`)
  return plan
}

const listed = (plan: FetchPlan) => planned(plan).partitions.map(({ topic, index }) => `${topic}-${index}`)

describe('fetch sessions', () => {
  it('epoch -1 needs no session', () => {
    const { cache } = sessions()
    const plan = planned(cache.plan(request({ partitions: { a: [0] } }), NAMES))
    expect(plan.session).toBeNull()
    expect(cache.size).toBe(0)
  })

  it('epoch 0 opens a session, also with no partitions', () => {
    const { cache } = sessions()
    expect(planned(cache.plan(request({ epoch: 0 }), NAMES)).session?.id).toBeGreaterThan(0)
  })

  it('trap 46: an incremental request that lists nothing still means all partitions of the session', () => {
    const { cache } = sessions()
    const { session } = planned(cache.plan(request({ epoch: 0, partitions: { a: [0, 1] } }), NAMES))
    const next = cache.plan(request({ session: session!.id, epoch: 1 }), NAMES)
    expect(listed(next)).toEqual(['a-0', 'a-1'])
    expect(planned(next).incremental).toBe(true)
  })

  it('trap 45: a forgotten partition is served no more, a changed one with its new offset', () => {
    const { cache } = sessions()
    const { session } = planned(cache.plan(request({ epoch: 0, partitions: { a: [0, 1] } }), NAMES))
    const change = { session: session!.id, epoch: 1, partitions: { a: [1], b: [0] }, forgotten: { a: [0] }, offset: 7 }
    const next = planned(cache.plan(request(change), NAMES))
    expect(next.partitions.map(({ topic, index, fetchOffset }) => [topic, index, fetchOffset])).toEqual([
      ['a', 1, 7],
      ['b', 0, 7],
    ])
  })

  it('an unknown session is 70, a wrong epoch 71, a switch between names and ids 106', () => {
    const { cache } = sessions()
    expect(cache.plan(request({ session: 5, epoch: 1 }), NAMES).error).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    const { session } = planned(cache.plan(request({ epoch: 0, partitions: { a: [0] } }), NAMES))
    const { id } = session!
    expect(cache.plan(request({ session: id, epoch: 2 }), NAMES).error).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    expect(cache.plan(request({ session: id, epoch: 1 }), IDS).error).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
  })

  it('epochs count up and wrap to 1', () => {
    const { cache } = sessions()
    const { session } = planned(cache.plan(request({ epoch: 0, partitions: { a: [0] } }), NAMES))
    session!.nextEpoch = 0x7fffffff
    planned(cache.plan(request({ session: session!.id, epoch: 0x7fffffff }), NAMES))
    planned(cache.plan(request({ session: session!.id, epoch: 1 }), NAMES))
  })

  it('closing with epoch -1, or opening anew with epoch 0, ends the old session', () => {
    const { cache } = sessions()
    const first = planned(cache.plan(request({ epoch: 0, partitions: { a: [0] } }), NAMES)).session!
    const second = planned(cache.plan(request({ session: first.id, epoch: 0, partitions: { a: [0] } }), NAMES)).session!
    expect(cache.plan(request({ session: first.id, epoch: 1 }), NAMES).error).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    cache.plan(request({ session: second.id, epoch: -1 }), NAMES)
    expect(cache.size).toBe(0)
  })

  it('a session whose last partition was forgotten ends', () => {
    const { cache } = sessions()
    const { session } = planned(cache.plan(request({ epoch: 0, partitions: { a: [0] } }), NAMES))
    const last = planned(cache.plan(request({ session: session!.id, epoch: 1, forgotten: { a: [0] } }), NAMES))
    expect(last.session).toBeNull()
    expect(cache.size).toBe(0)
  })

  it('a partition that returned data is served after the others next time', () => {
    const { cache } = sessions()
    const { session, partitions } = planned(cache.plan(request({ epoch: 0, partitions: { a: [0, 1, 2] } }), NAMES))
    session!.moveToEnd(partitions[0]!)
    expect(listed(cache.plan(request({ session: session!.id, epoch: 1 }), NAMES))).toEqual(['a-1', 'a-2', 'a-0'])
  })

  it('a full cache gives no session, until the oldest was idle for two minutes', async () => {
    const { cache, clock } = sessions(1)
    const first = planned(cache.plan(request({ epoch: 0, partitions: { a: [0] } }), NAMES)).session!
    expect(planned(cache.plan(request({ epoch: 0, partitions: { a: [0, 1] } }), NAMES)).session).toBeNull()
    clock.advance(120_001)
    expect(planned(cache.plan(request({ epoch: 0, partitions: { a: [0, 1] } }), NAMES)).session).not.toBeNull()
    expect(cache.plan(request({ session: first.id, epoch: 1 }), NAMES).error).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  })
})
