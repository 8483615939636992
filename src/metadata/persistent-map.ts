const BUCKETS = 256

type Bucket<V> = ReadonlyMap<string, V>

/**
 * A map that never changes: a change gives a new map that shares all but a few of its 256 parts with the old one. So an
 * image of many thousand topics can follow each change of one topic, and two images can be compared quickly.
 */
export class PersistentMap<V> implements ReadonlyMap<string, V> {
  readonly size: number
  readonly #buckets: readonly (Bucket<V> | undefined)[]

  constructor(buckets: readonly (Bucket<V> | undefined)[] = [], size = 0) {
    this.#buckets = buckets
    this.size = size
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key)
  }

  has(key: string): boolean {
    return this.#buckets[bucketOf(key)]?.has(key) === true
  }

  *entries(): Generator<[string, V], undefined, unknown> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket.entries()
  }

  *keys(): Generator<string, undefined, unknown> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket.keys()
  }

  *values(): Generator<V, undefined, unknown> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket.values()
  }

  [Symbol.iterator](): Generator<[string, V], undefined, unknown> {
    return this.entries()
  }

  forEach(callback: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this) callback(value, key, this)
  }

  edit(): PersistentMapEditor<V> {
    return new PersistentMapEditor(this, this.#buckets)
  }

  /** Keys that one of the two has and the other has not, or with another value. */
  *keysThatDiffer(other: PersistentMap<V>): Generator<string, undefined, unknown> {
    for (let index = 0; index < BUCKETS; index++) {
      const mine = this.#buckets[index]
      const theirs = other.#buckets[index]
      if (mine === theirs) continue
      for (const [key, value] of mine ?? []) if (theirs?.get(key) !== value) yield key
      for (const key of theirs?.keys() ?? []) if (!mine?.has(key)) yield key
    }
  }
}

/** Gathers changes; each part of the map is copied at most once. */
export class PersistentMapEditor<V> {
  readonly #original: PersistentMap<V>
  readonly #buckets: (Bucket<V> | undefined)[]
  readonly #copied = new Map<number, Map<string, V>>()
  #size: number

  constructor(original: PersistentMap<V>, buckets: readonly (Bucket<V> | undefined)[]) {
    this.#original = original
    this.#buckets = buckets as (Bucket<V> | undefined)[]
    this.#size = original.size
  }

  get(key: string): V | undefined {
    const index = bucketOf(key)
    return (this.#copied.get(index) ?? this.#buckets[index])?.get(key)
  }

  set(key: string, value: V): void {
    const bucket = this.#copy(bucketOf(key))
    const before = bucket.size
    bucket.set(key, value)
    this.#size += bucket.size - before
  }

  delete(key: string): void {
    if (this.get(key) === undefined) return
    if (this.#copy(bucketOf(key)).delete(key)) this.#size--
  }

  /** The original itself when nothing changed. */
  done(): PersistentMap<V> {
    if (this.#copied.size === 0) return this.#original
    const buckets = this.#buckets.slice()
    buckets.length = BUCKETS
    for (const [index, bucket] of this.#copied) buckets[index] = bucket.size === 0 ? undefined : bucket
    return new PersistentMap(buckets, this.#size)
  }

  #copy(index: number): Map<string, V> {
    let bucket = this.#copied.get(index)
    if (bucket === undefined) this.#copied.set(index, (bucket = new Map(this.#buckets[index])))
    return bucket
  }
}

/** Names mostly differ in their last characters; a bad spread only makes a change dearer, never a look-up. */
function bucketOf(key: string): number {
  const end = key.length
  if (end === 0) return 0
  const first = key.charCodeAt(0)
  const last = key.charCodeAt(end - 1)
  const before = end > 1 ? key.charCodeAt(end - 2) : 0
  const middle = end > 2 ? key.charCodeAt(end - 3) : 0
  return (last + before * 31 + middle * 173 + first * 7 + end * 59) & (BUCKETS - 1)
}
