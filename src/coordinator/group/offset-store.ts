import type { CommittedOffset } from './group-records.ts'

type Partitions = Map<number, CommittedOffset>

/** The committed offsets of a shard's groups. Changed by replay alone. */
export class OffsetStore {
  readonly #groups = new Map<string, { readonly topics: Map<string, Partitions>; count: number }>()

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(groupId)?.topics.get(topic)?.get(partition)
  }

  /** Partitions a group has committed. */
  count(groupId: string): number {
    return this.#groups.get(groupId)?.count ?? 0
  }

  topicsOf(groupId: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> {
    return this.#groups.get(groupId)?.topics ?? new Map()
  }

  groupIds(): readonly string[] {
    return [...this.#groups.keys()]
  }

  set(groupId: string, topic: string, partition: number, offset: CommittedOffset): void {
    let group = this.#groups.get(groupId)
    if (!group) this.#groups.set(groupId, (group = { topics: new Map(), count: 0 }))
    let partitions = group.topics.get(topic)
    if (!partitions) group.topics.set(topic, (partitions = new Map()))
    if (!partitions.has(partition)) group.count++
    partitions.set(partition, offset)
  }

  delete(groupId: string, topic: string, partition: number): void {
    const group = this.#groups.get(groupId)
    const partitions = group?.topics.get(topic)
    if (!group || !partitions?.delete(partition)) return
    group.count--
    if (partitions.size === 0) group.topics.delete(topic)
    if (group.count === 0) this.#groups.delete(groupId)
  }
}
