import { describe, expect, it } from 'vitest'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { RequestMemory } from '../../src/server/request-memory.ts'

function asker(memory: RequestMemory) {
  const admitted: string[] = []
  return {
    admitted,
    ask: (name: string, bytes: number) =>
      memory.request(bytes, (overdrawn) => admitted.push(overdrawn ? `${name} overdrawn` : name)),
  }
}

describe('RequestMemory', () => {
  it('admits what fits at once', () => {
    const memory = new RequestMemory(100)
    const { admitted, ask } = asker(memory)
    ask('a', 60)
    ask('b', 40)
    expect(admitted).toEqual(['a', 'b'])
    expect(memory.exhausted).toBe(true)
  })

  it('lets one frame overdraw, the others wait in their order', () => {
    const memory = new RequestMemory(100)
    const { admitted, ask } = asker(memory)
    ask('a', 90)
    ask('b', 50)
    ask('c', 60)
    ask('d', 5)
    expect(admitted).toEqual(['a', 'b overdrawn'])
    memory.release(50, true)
    expect(admitted).toEqual(['a', 'b overdrawn', 'c overdrawn', 'd'])
    expect(memory.usedBytes).toBe(155)
  })

  it('admits a request larger than all memory', () => {
    const memory = new RequestMemory(100)
    const { admitted, ask } = asker(memory)
    ask('huge', 5000)
    expect(admitted).toEqual(['huge overdrawn'])
    expect(memory.exhausted).toBe(false)
  })

  it('wakes who waits for any memory when some is free', () => {
    const memory = new RequestMemory(100)
    const { admitted, ask } = asker(memory)
    memory.charge(120)
    ask('a', 0)
    memory.release(20, false)
    expect(admitted).toEqual([])
    memory.release(1, false)
    expect(admitted).toEqual(['a'])
    expect(memory.usedBytes).toBe(99)
  })

  it('forgets who stops waiting, and goes on with the next', () => {
    const memory = new RequestMemory(100)
    const { admitted, ask } = asker(memory)
    memory.charge(60)
    ask('a', 5000)
    const stop = ask('b', 50)
    ask('c', 30)
    expect(admitted).toEqual(['a overdrawn'])
    stop()
    expect(admitted).toEqual(['a overdrawn', 'c'])
    expect(memory.hasWaiting).toBe(false)
  })

  it('admits who asks from within an admission', () => {
    const memory = new RequestMemory(100)
    const order: number[] = []
    memory.request(10, () => {
      memory.request(10, () => order.push(2))
      order.push(1)
    })
    expect(order).toEqual([1, 2])
  })

  it.each([1, 2, 3])('seed %i: stays within its bound and serves everybody', (seed) => {
    const random = new SimulatedRandom(seed)
    const memory = new RequestMemory(1000)
    const held: { bytes: number; overdrawn: boolean }[] = []
    let admitted = 0
    for (let round = 0; round < 2000; round++) {
      const bytes = 1 + random.below(random.below(10) === 0 ? 3000 : 300)
      memory.request(bytes, (overdrawn) => {
        admitted++
        held.push({ bytes, overdrawn })
      })
      expect(memory.usedBytes).toBeLessThanOrEqual(1000 + 3000)
      const [gone] = held.splice(random.below(held.length), random.below(2))
      if (gone) memory.release(gone.bytes, gone.overdrawn)
    }
    for (let next = held.shift(); next; next = held.shift()) memory.release(next.bytes, next.overdrawn)
    expect(admitted).toBe(2000)
    expect(memory.usedBytes).toBe(0)
  })
})
