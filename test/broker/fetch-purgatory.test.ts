import { describe, expect, it } from 'vitest'
import { FetchPurgatory, type FetchWait } from '../../src/broker/fetch-purgatory.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import type { Isolation, LogHandle, LogOffsets } from '../../src/storage/storage.ts'

class FakeLog implements LogHandle {
  readonly topic = 't'
  readonly topicId: string
  readonly partition = 0
  offsets: LogOffsets = { logStartOffset: 0, highWatermark: 0, lastStableOffset: 0, logEndOffset: 0 }

  constructor(topicId: string) {
    this.topicId = topicId
  }

  moveTo(highWatermark: number, lastStableOffset = highWatermark): void {
    this.offsets = { logStartOffset: 0, highWatermark, lastStableOffset, logEndOffset: highWatermark }
  }
}

function setUp() {
  const clock = new SimulatedClock()
  const purgatory = new FetchPurgatory(clock)
  const closers: (() => void)[] = []
  const wait = (log: FakeLog, options: Partial<FetchWait> = {}) => {
    const state = { done: false }
    const isolation: Isolation = 'read_uncommitted'
    const positions = [{ log, offset: log.offsets.highWatermark, seen: log.offsets }]
    purgatory
      .wait({ positions, isolation, missingBytes: 1, maxWaitMs: 500, ...options }, (callback) => {
        closers.push(callback)
        return () => closers.splice(closers.indexOf(callback), 1)
      })
      .then(() => {
        state.done = true
      })
    return state
  }
  return { clock, purgatory, wait, closers, advance: (log: FakeLog, bytes: number) => purgatory.advance(log, bytes) }
}

/** Lets resolved promises run. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('fetch purgatory', () => {
  it('trap 55: an empty fetch waits until its time is up, not a millisecond less', async () => {
    const { clock, wait } = setUp()
    const state = wait(new FakeLog('a'))
    clock.advance(499)
    await turn()
    expect(state.done).toBe(false)
    clock.advance(1)
    await turn()
    expect(state.done).toBe(true)
  })

  it('trap 55: min_bytes counts what arrives over all its logs', async () => {
    const { wait, advance } = setUp()
    const log = new FakeLog('a')
    const state = wait(log, { missingBytes: 100 })
    advance(log, 60)
    await turn()
    expect(state.done).toBe(false)
    advance(log, 40)
    await turn()
    expect(state.done).toBe(true)
  })

  it('data that arrived between the read and the wait is not slept through', async () => {
    const { wait } = setUp()
    const log = new FakeLog('a')
    const seen = log.offsets
    log.moveTo(3)
    const state = wait(log, { positions: [{ log, offset: 0, seen }] })
    await turn()
    expect(state.done).toBe(true)
  })

  it('trap 54: a read_committed fetch sleeps through an open transaction and wakes at its marker', async () => {
    const { wait, advance } = setUp()
    const log = new FakeLog('a')
    const state = wait(log, { isolation: 'read_committed' })
    log.moveTo(5, 0)
    advance(log, 500)
    await turn()
    expect(state.done).toBe(false)
    log.moveTo(6, 6)
    advance(log, 78)
    await turn()
    expect(state.done).toBe(true)
  })

  it('trap 56: a removed topic is answered at once, others wait on', async () => {
    const { purgatory, wait } = setUp()
    const [gone, other] = [wait(new FakeLog('gone')), wait(new FakeLog('other'))]
    purgatory.completeTopic('gone')
    await turn()
    expect([gone.done, other.done]).toEqual([true, false])
  })

  it('a closed connection ends its wait and leaves nothing behind', async () => {
    const { clock, wait, closers, purgatory } = setUp()
    const state = wait(new FakeLog('a'))
    closers[0]!()
    await turn()
    expect(state.done).toBe(true)
    expect(clock.nextDueMs()).toBeNull()
    expect(purgatory.size).toBe(0)
  })

  it('a stopping broker answers everybody and lets nobody wait any more', async () => {
    const { purgatory, wait } = setUp()
    const before = wait(new FakeLog('a'))
    purgatory.close()
    const after = wait(new FakeLog('b'))
    await turn()
    expect([before.done, after.done]).toEqual([true, true])
  })
})
