import { ErrorCode } from '../../protocol/errors.ts'
import type { MetadataImage } from '../../src/metadata/metadata-image.ts'
import { PartitionLedger } from './partition-ledger.ts'
import { Violation } from './violation.ts'

/** What its owner knows of a topic: an answer that never came leaves it unsure. */
export type TopicState = 'absent' | 'unsure' | 'present'

export interface TopicFate {
  readonly name: string
  state: TopicState
  /** Null until somebody was told. */
  id: string | null
  /** Partitions there are at least, and at most. */
  partitions: number
  partitionBound: number
  readonly ledgers: Map<number, PartitionLedger>
  /** Highest leader epoch seen, by partition. */
  readonly epochs: Map<number, number>
}

/** A topic as Metadata shows it. */
export interface SeenTopic {
  readonly errorCode: number
  readonly name: string | null
  readonly topicId: string | null
  readonly partitions: readonly { readonly partitionIndex: number; readonly leaderEpoch: number }[]
}

/** What must be true of the cluster's topics, whatever happens to the broker. */
export class TopicLedger {
  readonly topics = new Map<string, TopicFate>()
  readonly #deletedIds = new Set<string>()
  #featuresEpoch = -1

  get(name: string): TopicFate {
    let topic = this.topics.get(name)
    if (topic === undefined) {
      topic = {
        name,
        state: 'absent',
        id: null,
        partitions: 0,
        partitionBound: 0,
        ledgers: new Map(),
        epochs: new Map(),
      }
      this.topics.set(name, topic)
    }
    return topic
  }

  partition(name: string, index: number): PartitionLedger {
    const { ledgers } = this.get(name)
    let ledger = ledgers.get(index)
    if (ledger === undefined) ledgers.set(index, (ledger = new PartitionLedger(`${name}-${index}`)))
    return ledger
  }

  created(name: string, partitions: number, id: string | null): void {
    const topic = this.get(name)
    topic.state = 'present'
    topic.partitions = Math.max(topic.partitions, partitions)
    topic.partitionBound = Math.max(topic.partitionBound, partitions)
    if (id !== null) this.#named(topic, id)
  }

  deleted(name: string): void {
    const { id } = this.get(name)
    if (id !== null) this.#deletedIds.add(id)
    this.topics.delete(name)
  }

  /** What must be seen by whoever asks from now on. */
  floor(name: string): Floor {
    const topic = this.get(name)
    return { state: topic.state, partitions: topic.partitions, epochs: new Map(topic.epochs) }
  }

  /** `floor`: what was known when the question was asked. */
  saw(seen: SeenTopic, floor: Floor): void {
    const name = seen.name!
    const topic = this.get(name)
    if (seen.errorCode !== ErrorCode.NONE) {
      if (floor.state === 'present') throw new Violation(`topic ${name} answers with error ${seen.errorCode}`)
      return
    }
    if (floor.state === 'absent' && topic.state === 'absent') throw new Violation(`topic ${name} is there again`)
    if (seen.partitions.length < floor.partitions) {
      throw new Violation(`topic ${name} has ${seen.partitions.length} partitions, not ${floor.partitions}`)
    }
    if (seen.topicId !== null) this.#named(topic, seen.topicId)
    for (const { partitionIndex, leaderEpoch } of seen.partitions) {
      const before = floor.epochs.get(partitionIndex) ?? -1
      if (leaderEpoch < 0) continue
      if (leaderEpoch < before) {
        throw new Violation(`the leader epoch of ${name}-${partitionIndex} went from ${before} to ${leaderEpoch}`)
      }
      topic.epochs.set(partitionIndex, Math.max(leaderEpoch, topic.epochs.get(partitionIndex) ?? -1))
    }
  }

  get featuresEpoch(): number {
    return this.#featuresEpoch
  }

  sawFeaturesEpoch(epoch: number, floor: number): void {
    if (epoch < floor) throw new Violation(`finalizedFeaturesEpoch went from ${floor} to ${epoch}`)
    this.#featuresEpoch = Math.max(this.#featuresEpoch, epoch)
  }

  /** What a start found. Every leader epoch must have risen. */
  restarted(image: MetadataImage): void {
    for (const id of this.#deletedIds) {
      if (image.topicsById.has(id)) throw new Violation(`the deleted topic ${image.topicsById.get(id)!.name} is back`)
    }
    for (const topic of this.topics.values()) {
      const found = image.topics.get(topic.name)
      if (topic.state === 'present' && found === undefined) throw new Violation(`topic ${topic.name} is gone`)
      if (topic.state === 'absent' && found !== undefined) throw new Violation(`topic ${topic.name} is there again`)
      if (found === undefined) continue
      if (topic.state === 'present') this.#named(topic, found.id)
      if (found.partitions.length < topic.partitions) {
        throw new Violation(`topic ${topic.name} has ${found.partitions.length} partitions, not ${topic.partitions}`)
      }
      if (found.partitions.length > topic.partitionBound) {
        throw new Violation(`topic ${topic.name} has ${found.partitions.length} partitions that nobody asked for`)
      }
      for (const { index, leaderEpoch } of found.partitions) {
        const before = topic.epochs.get(index) ?? -1
        if (leaderEpoch <= before) {
          throw new Violation(`the leader epoch of ${topic.name}-${index} was ${before}, is ${leaderEpoch} at a start`)
        }
        if (topic.state === 'present') topic.epochs.set(index, leaderEpoch)
      }
    }
  }

  #named(topic: TopicFate, id: string): void {
    if (topic.id !== null && topic.id !== id) {
      throw new Violation(`the id of topic ${topic.name} was ${topic.id}, is ${id}`)
    }
    if (this.#deletedIds.has(id)) throw new Violation(`topic ${topic.name} has the id of a deleted topic`)
    topic.id = id
  }
}

export interface Floor {
  readonly state: TopicState
  readonly partitions: number
  readonly epochs: ReadonlyMap<number, number>
}
