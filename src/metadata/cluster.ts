import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from './internal-topics.ts'
import type { BrokerNode, CoordinatorKind, Membership } from './membership.ts'
import type { Metadata } from './metadata.ts'

export interface ClusterOptions {
  /** In order; most clusters have one. */
  readonly ids: readonly number[]
  readonly rackOf: (id: number) => string | null
  readonly metadata: Pick<Metadata, 'image'>
}

export interface Endpoint {
  /** Null for the host at which a client has reached the broker it asks. */
  readonly host: string | null
  readonly port: number
}

const COORDINATOR_TOPIC: Record<CoordinatorKind, string> = {
  group: GROUP_METADATA_TOPIC,
  transaction: TRANSACTION_STATE_TOPIC,
}

/** The brokers of this process, which share one store: who is alive, where clients find them, who coordinates what. */
export class Cluster {
  readonly ids: readonly number[]
  readonly #rackOf: ClusterOptions['rackOf']
  readonly #metadata: Pick<Metadata, 'image'>
  readonly #endpoints = new Map<number, Map<string, Endpoint>>()
  #liveIds: readonly number[]

  constructor({ ids, rackOf, metadata }: ClusterOptions) {
    this.ids = ids
    this.#rackOf = rackOf
    this.#metadata = metadata
    this.#liveIds = ids
  }

  get liveIds(): readonly number[] {
    return this.#liveIds
  }

  setLive(id: number, live: boolean): void {
    const now = new Set(this.#liveIds)
    if (live) now.add(id)
    else now.delete(id)
    this.#liveIds = this.ids.filter((one) => now.has(one))
  }

  /** What clients of a listener are told; ports may be known only once bound. */
  setEndpoint(id: number, listenerName: string, endpoint: Endpoint): void {
    const known = this.#endpoints.get(id) ?? new Map<string, Endpoint>()
    this.#endpoints.set(id, known.set(listenerName, endpoint))
  }

  brokers(listenerName: string): readonly BrokerNode[] {
    return this.#liveIds.flatMap((id) => {
      const endpoint = this.#endpoints.get(id)?.get(listenerName)
      return endpoint === undefined ? [] : [{ id, ...endpoint, rack: this.#rackOf(id) }]
    })
  }

  coordinatorFor(kind: CoordinatorKind, shard: number): number {
    const topic = this.#metadata.image.topics.get(COORDINATOR_TOPIC[kind])
    if (topic !== undefined) return topic.partitions[shard]?.leader ?? -1
    // Where a topic that is created now would have its leaders.
    return this.#liveIds[shard % this.#liveIds.length] ?? -1
  }

  fenceFor(kind: CoordinatorKind, shard: number, id: number): number {
    if (this.coordinatorFor(kind, shard) !== id) return -1
    return this.#metadata.image.topics.get(COORDINATOR_TOPIC[kind])?.partitions[shard]?.leaderEpoch ?? 0
  }

  membershipOf(selfId: number): Membership {
    const cluster = this
    return {
      selfId,
      get controllerId() {
        return cluster.liveIds[0] ?? -1
      },
      get liveIds() {
        return cluster.liveIds
      },
      brokers: (listenerName) => cluster.brokers(listenerName),
      coordinatorFor: (kind, shard) => cluster.coordinatorFor(kind, shard),
      fenceFor: (kind, shard) => cluster.fenceFor(kind, shard, selfId),
    }
  }
}
