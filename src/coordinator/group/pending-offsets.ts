import type { TransactionEnd } from '../coordinator-log.ts'
import type { CommittedOffset, OffsetCommitRecord } from './group-records.ts'

/** An offset whose transaction is open: committed and aborted are both still possible. */
interface PendingOffset {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: CommittedOffset
  /** Its place in the log among the commits of offsets. */
  readonly order: number
  /** A later commit, or the group's deletion, has made it void; until the transaction ends it counts as pending. */
  superseded: boolean
}

/** Offsets committed in transactions that have not ended, of a shard's groups. Changed by replay alone. */
export class PendingOffsets {
  readonly #byProducer = new Map<number, Map<string, PendingOffset>>()
  readonly #byGroup = new Map<string, Map<string, Set<PendingOffset>>>()
  #order = 0

  /** Partitions of the group that wait for a transaction. */
  count(group: string): number {
    return this.#byGroup.get(group)?.size ?? 0
  }

  has(group: string, topic: string, partition: number): boolean {
    return this.#byGroup.get(group)?.has(placeOf(topic, partition)) ?? false
  }

  *partitionsOf(group: string): Iterable<{ topic: string; partition: number; offset: CommittedOffset }> {
    for (const pending of this.#byGroup.get(group)?.values() ?? []) yield* pending
  }

  groupIds(): readonly string[] {
    return [...this.#byGroup.keys()]
  }

  /** A producer that commits a partition twice means the second one. */
  add(producerId: number, { group, topic, partition }: OffsetCommitRecord, offset: CommittedOffset): void {
    let own = this.#byProducer.get(producerId)
    if (!own) this.#byProducer.set(producerId, (own = new Map()))
    const name = `${group}\0${placeOf(topic, partition)}`
    const before = own.get(name)
    if (before) this.#forget(before)
    const pending = { group, topic, partition, offset, order: this.#order++, superseded: false }
    own.set(name, pending)
    this.#remember(pending)
  }

  /** Whatever is committed at once counts more than what was pending before it. */
  supersede(group: string, topic: string, partition: number): void {
    this.#supersedeBefore(group, topic, partition, this.#order)
  }

  /** Ends the producer's transaction here; gives what counts from now on, in the order in which it was committed. */
  end({ producerId, commit }: TransactionEnd): readonly Omit<PendingOffset, 'superseded'>[] {
    const own = [...(this.#byProducer.get(producerId)?.values() ?? [])]
    this.#byProducer.delete(producerId)
    for (const pending of own) this.#forget(pending)
    if (!commit) return []
    const counting = own.filter(({ superseded }) => !superseded)
    for (const { group, topic, partition, order } of counting) this.#supersedeBefore(group, topic, partition, order)
    return counting
  }

  #supersedeBefore(group: string, topic: string, partition: number, order: number): void {
    for (const other of this.#byGroup.get(group)?.get(placeOf(topic, partition)) ?? []) {
      if (other.order < order) other.superseded = true
    }
  }

  #remember(pending: PendingOffset): void {
    const { group, topic, partition } = pending
    let places = this.#byGroup.get(group)
    if (!places) this.#byGroup.set(group, (places = new Map()))
    const place = placeOf(topic, partition)
    const there = places.get(place)
    if (there) there.add(pending)
    else places.set(place, new Set([pending]))
  }

  #forget(pending: PendingOffset): void {
    const places = this.#byGroup.get(pending.group)
    const place = placeOf(pending.topic, pending.partition)
    const there = places?.get(place)
    there?.delete(pending)
    if (there?.size === 0) places?.delete(place)
    if (places?.size === 0) this.#byGroup.delete(pending.group)
  }
}

function placeOf(topic: string, partition: number): string {
  return `${topic}\0${partition}`
}
