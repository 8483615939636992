import { describe, expect, it } from 'vitest'
import { LogTail, TailCache } from '../../src/storage/local/tail-cache.ts'

const MIB = 1024 * 1024

function append(tail: LogTail, offset: number, sizeBytes: number, segmentBaseOffset = 0) {
  const source = Buffer.alloc(sizeBytes, offset)
  return tail.append(source, 0, sizeBytes, {
    segmentBaseOffset,
    filePosition: 0,
    baseOffset: offset,
    lastOffset: offset,
  })
}

describe('the tail cache', () => {
  it('memory grew with the load: blocks are used again and the budget holds', () => {
    const cache = new TailCache(8 * MIB)
    const tail = new LogTail(cache)
    for (let offset = 0; offset < 500; offset++) {
      cache.unpin(append(tail, offset, 1_000_000).block)
      expect(cache.sizeBytes).toBeLessThanOrEqual(8 * MIB + 1_200_000)
    }
    const buffers = new Set<Buffer>()
    for (let offset = 500; offset < 600; offset++) {
      const { block } = append(tail, offset, 1_000_000)
      buffers.add(block.buffer)
      cache.unpin(block)
    }
    expect(buffers.size).toBeLessThanOrEqual(9)
  })

  it('an idle log gives its memory to a busy one, and its blocks start small', () => {
    const cache = new TailCache(MIB)
    const idle = new LogTail(cache)
    const busy = new LogTail(cache)
    const { block } = append(idle, 0, 100)
    expect(block.buffer.length).toBe(4096)
    cache.unpin(block)
    for (let offset = 0; offset < 100; offset++) cache.unpin(append(busy, offset, 50_000).block)
    expect(idle.baseOffset).toBe(Number.POSITIVE_INFINITY)
    expect(busy.baseOffset).toBeLessThan(100)
  })

  it('bytes that somebody reads are not written over', () => {
    const cache = new TailCache(64 * 1024)
    const tail = new LogTail(cache)
    cache.unpin(append(tail, 7, 5000).block)
    const [slice] = tail.read(7, 8, 10_000, true)
    for (let offset = 8; offset < 100; offset++) cache.unpin(append(tail, offset, 5000).block)
    expect(tail.baseOffset).toBeGreaterThan(7)
    expect(slice!.block.buffer.subarray(slice!.start, slice!.end).every((byte) => byte === 7)).toBe(true)
    cache.unpin(slice!.block)
  })

  it('stays contiguous over segments', () => {
    const cache = new TailCache(MIB)
    const tail = new LogTail(cache)
    for (let offset = 0; offset < 10; offset++) cache.unpin(append(tail, offset, 100, offset < 5 ? 0 : 5).block)
    const slices = tail.read(3, 9, 1000, false)
    expect(slices.map(({ start, end }) => end - start)).toEqual([200, 400])
    expect(tail.read(3, 9, 250, false).map(({ start, end }) => end - start)).toEqual([200])
    expect(tail.read(3, 9, 99, false)).toEqual([])
    expect(tail.read(3, 9, 99, true).map(({ start, end }) => end - start)).toEqual([100])
  })
})
