import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PersistentMap } from '../../src/metadata/persistent-map.ts'

const key = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.integer({ min: 0, max: 40 }).map((n) => `topic-${n}`),
)
const edits = fc.array(fc.tuple(key, fc.option(fc.integer(), { nil: null })), { maxLength: 60 })

function apply(map: PersistentMap<number>, changes: readonly (readonly [string, number | null])[]) {
  const editor = map.edit()
  for (const [name, value] of changes) {
    if (value === null) editor.delete(name)
    else editor.set(name, value)
  }
  return editor.done()
}

describe('persistent map', () => {
  it('says what a Map says, and stays as it was when it is changed', () => {
    fc.assert(
      fc.property(fc.array(edits, { maxLength: 6 }), (rounds) => {
        const model = new Map<string, number>()
        let map = new PersistentMap<number>()
        for (const changes of rounds) {
          const before = [...map]
          const next = apply(map, changes)
          expect([...map]).toEqual(before)
          for (const [name, value] of changes) {
            if (value === null) model.delete(name)
            else model.set(name, value)
          }
          expect(new Map(next)).toEqual(model)
          expect(next.size).toBe(model.size)
          expect([...next.keys()].sort()).toEqual([...model.keys()].sort())
          expect([...next.values()].sort()).toEqual([...model.values()].sort())
          for (const name of model.keys()) expect(next.has(name) && next.get(name) === model.get(name)).toBe(true)
          expect(next.has('never')).toBe(false)
          const differing = [...next.keysThatDiffer(map)].sort()
          const names = new Set([...before.map(([name]) => name), ...model.keys()])
          const old = new Map(before)
          expect(differing).toEqual([...names].filter((name) => old.get(name) !== model.get(name)).sort())
          map = next
        }
      }),
    )
  })

  it('is the same object when nothing changed', () => {
    const map = apply(new PersistentMap<number>(), [['a', 1]])
    expect(map.edit().done()).toBe(map)
    expect(apply(map, [['missing', null]])).toBe(map)
  })

  it('visits every entry with forEach', () => {
    const seen: [string, number][] = []
    apply(new PersistentMap<number>(), [
      ['a', 1],
      ['b', 2],
    ]).forEach((value, name) => {
      seen.push([name, value])
    })
    expect(seen.sort()).toEqual([
      ['a', 1],
      ['b', 2],
    ])
  })
})
