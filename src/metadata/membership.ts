/** Who is in the cluster and who leads what. One node leads everything; several virtual brokers share it out. */
export interface Membership {
  readonly selfId: number
  /** Live brokers, in order of id; host and port as told to clients of that listener. */
  brokers(listenerName: string): readonly BrokerNode[]
  /** Node id of the leader, or -1. */
  leaderFor(topicId: string, partition: number): number
  /** The broker that coordinates a group ('group') or a transactional id ('transaction'). */
  coordinatorFor(kind: 'group' | 'transaction', shard: number): number
  /** Rises whenever a shard is taken over; what an older owner writes is refused. */
  fenceFor(kind: 'group' | 'transaction', shard: number): number
}

export interface BrokerNode {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}
