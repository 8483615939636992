import type { Membership } from '../metadata/membership.ts'
import type { GroupCoordinator } from './group/group-coordinator.ts'
import type { TransactionCoordinator } from './transaction/transaction-coordinator.ts'

/** The coordinators of one broker. */
export interface CoordinatorPeer {
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
}

/**
 * Who coordinates what among the brokers of this process, for what they ask of each other: whether a partition belongs
 * to a transaction, and that the offsets in it count.
 */
export class CoordinatorPeers {
  readonly #byBroker = new Map<number, CoordinatorPeer>()

  set(brokerId: number, peer: CoordinatorPeer): void {
    this.#byBroker.set(brokerId, peer)
  }

  /** Of the broker that leads this partition of `__consumer_offsets`; undefined while nobody does. */
  groups(membership: Membership, shard: number): GroupCoordinator | undefined {
    return this.#byBroker.get(membership.coordinatorFor('group', shard))?.groups
  }

  /** Of the broker that leads this partition of `__transaction_state`; undefined while nobody does. */
  transactions(membership: Membership, shard: number): TransactionCoordinator | undefined {
    return this.#byBroker.get(membership.coordinatorFor('transaction', shard))?.transactions
  }
}
