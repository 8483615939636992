import { expect, it } from 'vitest'
import { AdjustableClock } from '../../src/io/adjustable-clock.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'

it('is ahead by what it was advanced, however long that took: 4999 ms after 5000', async () => {
  const machine = new SimulatedClock()
  // Every turn that what falls due is given costs the machine a millisecond.
  const clock = new AdjustableClock(machine, (callback) => {
    machine.advance(1)
    setImmediate(callback)
  })
  const fired: number[] = []
  const again = () => {
    fired.push(clock.aheadMs)
    clock.schedule(1_000, again)
  }
  clock.schedule(1_000, again)
  const beganMs = clock.nowMs()
  await clock.advance(5_000)
  expect(clock.aheadMs).toBe(5_000)
  expect(clock.nowMs() - beganMs).toBeGreaterThan(5_000)
  expect(fired.length).toBeGreaterThanOrEqual(5)
  await clock.advance(0.5)
  expect(clock.aheadMs).toBe(5_001)
})
