/** Who is in the cluster and who coordinates what, as one broker of it sees it. Who leads a partition says the image. */
export interface Membership {
  readonly selfId: number
  /** Who clients are told to send changes to. Every broker takes them; this one is alive. */
  readonly controllerId: number
  /** Ids of the live brokers, in order. */
  readonly liveIds: readonly number[]
  /** Live brokers, in order of id, as configured for that listener. */
  brokers(listenerName: string): readonly BrokerNode[]
  /** The broker that coordinates a group ('group') or a transactional id ('transaction'); -1 while there is none. */
  coordinatorFor(kind: CoordinatorKind, shard: number): number
  /** Differs whenever a shard was taken over, and -1 for a shard of others: what an older owner writes is refused. */
  fenceFor(kind: CoordinatorKind, shard: number): number
}

export type CoordinatorKind = 'group' | 'transaction'

export interface BrokerNode {
  readonly id: number
  /** Null for the host at which a client has reached the broker it asks: all run in one process. */
  readonly host: string | null
  readonly port: number
  readonly rack: string | null
}
