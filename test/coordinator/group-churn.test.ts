import { describe, it } from 'vitest'
import { GroupChurn } from './group-churn.ts'

/**
 * Changes to the coordinator that these seeds find, each tried by hand:
 * - OffsetCommit does not compare the generation: an old commit is accepted.
 * - SyncGroup does not compare it: members get what another generation's leader assigned.
 * - Heartbeat does not compare it: two owners of a partition.
 * - An administrator may commit while there are members: a reset that should have been refused.
 * - A static member is replaced without a record, or its old id stays: a restart makes another group.
 * - A repeated JoinGroup or SyncGroup forgets the older one, a rebalance does not answer parked SyncGroups, or there is
 *   no timer for the join phase: a request that waits longer than a rebalance may take.
 * - Members that wait expire like others: thrown out while they waited.
 * - The generation starts over when a group empties, or does not rise: written for two memberships.
 * - Offsets change without a record, or a load keeps a member's first subscription: a restart makes something else.
 * - Sessions do not start after a load: no peace at the end.
 */
describe('a group in churn', () => {
  it.each(Array.from({ length: 24 }, (_, at) => at + 1))('seed %i', (seed) => {
    new GroupChurn(seed).run(500)
  })
})
