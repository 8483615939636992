import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OffsetMap } from '../../src/storage/offset-map.ts'

function put(map: OffsetMap, key: string, offset: number): boolean {
  const bytes = Buffer.from(key)
  return map.put(bytes, 0, bytes.length, offset)
}

function get(map: OffsetMap, key: string): number {
  const bytes = Buffer.from(`..${key}..`)
  return map.get(bytes, 2, bytes.length - 4)
}

describe('the offset map', () => {
  it('holds the last offset of each key, as a plain map does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 4000 }), (keys) => {
        const map = new OffsetMap(1_000_000)
        const model = new Map<number, number>()
        keys.forEach((key, offset) => {
          model.set(key, offset)
          expect(put(map, `key ${key}`, offset)).toBe(true)
        })
        expect(map.size).toBe(model.size)
        for (const [key, offset] of model) expect(get(map, `key ${key}`)).toBe(offset)
        expect(get(map, 'another key')).toBe(-1)
      }),
      { numRuns: 30 },
    )
  })

  it('finds every key while it grows', () => {
    const map = new OffsetMap(10_000_000)
    for (let key = 0; key < 20_000; key++) {
      put(map, `${key}`, key)
      if (key % 97 !== 0) continue
      for (const known of [0, key >> 1, key]) expect(get(map, `${known}`)).toBe(known)
      expect(get(map, `${key + 1}`)).toBe(-1)
    }
  })

  it('keeps offsets beyond 32 bits', () => {
    const map = new OffsetMap(100_000)
    const offsets = [0, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52]
    offsets.forEach((offset) => {
      put(map, `${offset}`, offset)
    })
    for (const offset of offsets) expect(get(map, `${offset}`)).toBe(offset)
  })

  it('takes no more bytes than allowed, and says when it is full', () => {
    for (const limitBytes of [24_000, 100_000, 1_000_000]) {
      const map = new OffsetMap(limitBytes)
      let count = 0
      while (put(map, `${count}`, count)) {
        count++
        expect(map.sizeBytes).toBeLessThanOrEqual(Math.max(limitBytes, 24_576))
      }
      expect(count).toBe(map.size)
      // Nearly half of what fits at the least: the table before and the last one share the limit.
      expect(count).toBeGreaterThan((limitBytes / 24) * 0.44)
      for (let key = 0; key < count; key += 13) expect(get(map, `${key}`)).toBe(key)
      expect(put(map, '0', 999_999)).toBe(true)
      expect(get(map, '0')).toBe(999_999)
    }
  })

  it('allocates little for few keys', () => {
    const map = new OffsetMap(128 * 1024 * 1024)
    for (let offset = 0; offset < 10_000; offset++) put(map, `${offset % 100}`, offset)
    expect(map.sizeBytes).toBeLessThan(30_000)
  })
})
