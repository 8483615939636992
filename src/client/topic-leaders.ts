import { refreshesMetadata } from '../../protocol/errors.ts'
import { ClientError } from './client-error.ts'
import type { TopicMetadata } from './cluster-metadata.ts'
import type { RequestRouter } from './request-router.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Who leads what, as last heard. */
export class TopicLeaders {
  readonly #router: RequestRouter
  readonly #topics = new Map<string, TopicMetadata>()

  constructor(router: RequestRouter) {
    this.#router = router
  }

  /** Asks for what is not known, or for all of it. */
  async learn(names: Iterable<string>, { again = false, autoCreate = false } = {}): Promise<void> {
    const wanted = [...new Set(names)].filter((name) => again || !this.#topics.has(name))
    if (wanted.length === 0) return
    for (const topic of await this.#router.topics(wanted, autoCreate)) this.#topics.set(topic.name, topic)
  }

  /** Undefined before anybody learned of it. */
  get(topic: string): TopicMetadata | undefined {
    return this.#topics.get(topic)
  }

  forget(topic: string): void {
    this.#topics.delete(topic)
  }

  /** Null while there is none. Throws ClientError where waiting does not help. */
  leaderOf({ topic, partition }: TopicPartition): number | null {
    const known = this.#topics.get(topic)
    if (known === undefined) return null
    if (known.errorCode !== 0) {
      if (refreshesMetadata(known.errorCode)) return null
      throw ClientError.refused(topic, known.errorCode)
    }
    const found = known.partitions.find((one) => one.partition === partition)
    if (found === undefined) {
      throw new ClientError('refused', `${topic} has no partition ${partition}; it has ${known.partitions.length}`)
    }
    return found.leader < 0 ? null : found.leader
  }
}

/** The partitions by the id of their leader, and those without one. */
export function byLeader<P extends TopicPartition>(
  leaders: TopicLeaders,
  partitions: readonly P[],
): { readonly led: ReadonlyMap<number, P[]>; readonly leaderless: P[] } {
  const led = new Map<number, P[]>()
  const leaderless: P[] = []
  for (const one of partitions) {
    const leader = leaders.leaderOf(one)
    if (leader === null) leaderless.push(one)
    else if (led.has(leader)) led.get(leader)!.push(one)
    else led.set(leader, [one])
  }
  return { led, leaderless }
}

/** The partitions by topic, as most requests want them. */
export function byTopic<P extends TopicPartition>(partitions: readonly P[]): Map<string, P[]> {
  const topics = new Map<string, P[]>()
  for (const one of partitions) {
    const others = topics.get(one.topic)
    if (others === undefined) topics.set(one.topic, [one])
    else others.push(one)
  }
  return topics
}
