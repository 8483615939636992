import { produceCases } from './cases/00-produce.ts'
import { fetchCases, tunedFetchCases } from './cases/01-fetch.ts'
import { listOffsetsCases } from './cases/02-list-offsets.ts'
import { metadataCases } from './cases/03-metadata.ts'
import { offsetCommitCases } from './cases/08-offset-commit.ts'
import { offsetFetchCases } from './cases/09-offset-fetch.ts'
import { findCoordinatorCases } from './cases/10-find-coordinator.ts'
import { joinGroupCases } from './cases/11-join-group.ts'
import { heartbeatCases } from './cases/12-heartbeat.ts'
import { leaveGroupCases } from './cases/13-leave-group.ts'
import { syncGroupCases } from './cases/14-sync-group.ts'
import { describeGroupsCases } from './cases/15-describe-groups.ts'
import { listGroupsCases } from './cases/16-list-groups.ts'
import { apiVersionsCases } from './cases/18-api-versions.ts'
import { createTopicsCases } from './cases/19-create-topics.ts'
import { deleteTopicsCases } from './cases/20-delete-topics.ts'
import { deleteRecordsCases } from './cases/21-delete-records.ts'
import { initProducerIdCases } from './cases/22-init-producer-id.ts'
import { offsetForLeaderEpochCases } from './cases/23-offset-for-leader-epoch.ts'
import { addPartitionsCases } from './cases/24-add-partitions-to-txn.ts'
import { addOffsetsCases } from './cases/25-add-offsets-to-txn.ts'
import { endTxnCases } from './cases/26-end-txn.ts'
import { writeTxnMarkersCases } from './cases/27-write-txn-markers.ts'
import { txnOffsetCommitCases } from './cases/28-txn-offset-commit.ts'
import { describeConfigsCases } from './cases/32-describe-configs.ts'
import { alterConfigsCases } from './cases/33-alter-configs.ts'
import { describeLogDirsCases } from './cases/35-describe-log-dirs.ts'
import { createPartitionsCases } from './cases/37-create-partitions.ts'
import { deleteGroupsCases } from './cases/42-delete-groups.ts'
import { electLeadersCases } from './cases/43-elect-leaders.ts'
import { incrementalAlterConfigsCases } from './cases/44-incremental-alter-configs.ts'
import { listPartitionReassignmentsCases } from './cases/46-list-partition-reassignments.ts'
import { offsetDeleteCases } from './cases/47-offset-delete.ts'
import { describeClusterCases } from './cases/60-describe-cluster.ts'
import { describeProducersCases } from './cases/61-describe-producers.ts'
import { describeTransactionsCases } from './cases/65-describe-transactions.ts'
import { listTransactionsCases } from './cases/66-list-transactions.ts'
import { listConfigResourcesCases } from './cases/74-list-config-resources.ts'
import { describeTopicPartitionsCases } from './cases/75-describe-topic-partitions.ts'
import { leaderEpochCases, longPollCases } from './cases/fetch-long-poll.ts'
import { fetchSessionCases } from './cases/fetch-sessions.ts'
import { framingCases } from './cases/framing.ts'
import { groupTimerCases } from './cases/group-timers.ts'
import { idempotenceCases } from './cases/idempotence.ts'
import { overtakenCases } from './cases/overtaken-producers.ts'
import { produceBatchCases } from './cases/produce-batch-rules.ts'
import { produceRewritingCases } from './cases/produce-rewriting.ts'
import { produceValidationCases } from './cases/produce-validation.ts'
import { readCommittedCases } from './cases/read-committed.ts'
import { staticMemberCases } from './cases/static-membership.ts'
import { transactionEdgeCases } from './cases/transaction-edges.ts'
import { transactionTimeoutCases } from './cases/transaction-timeouts.ts'
import { transactionalInitCases } from './cases/transactional-init.ts'
import { transactionalProduceCases } from './cases/transactional-produce.ts'
import type { WireCase } from './wire-case.ts'

/** All cases, by subject: one test file each. */
export const wireCatalog = {
  connection: [framingCases, apiVersionsCases].flat(),
  produce: [produceCases, produceBatchCases, produceValidationCases, produceRewritingCases].flat(),
  idempotence: [initProducerIdCases, idempotenceCases, describeProducersCases].flat(),
  transactions: [
    transactionalInitCases,
    addPartitionsCases,
    addOffsetsCases,
    endTxnCases,
    writeTxnMarkersCases,
    txnOffsetCommitCases,
    describeTransactionsCases,
    listTransactionsCases,
    transactionalProduceCases,
    readCommittedCases,
    overtakenCases,
    transactionEdgeCases,
    transactionTimeoutCases,
  ].flat(),
  fetch: [fetchCases, longPollCases, leaderEpochCases, tunedFetchCases, fetchSessionCases].flat(),
  describe: [
    listOffsetsCases,
    metadataCases,
    findCoordinatorCases,
    deleteRecordsCases,
    offsetForLeaderEpochCases,
    describeClusterCases,
    describeTopicPartitionsCases,
  ].flat(),
  groups: [
    joinGroupCases,
    staticMemberCases,
    groupTimerCases,
    heartbeatCases,
    leaveGroupCases,
    syncGroupCases,
    offsetCommitCases,
    offsetFetchCases,
    describeGroupsCases,
    listGroupsCases,
    deleteGroupsCases,
    offsetDeleteCases,
  ].flat(),
  admin: [
    createTopicsCases,
    deleteTopicsCases,
    createPartitionsCases,
    describeConfigsCases,
    incrementalAlterConfigsCases,
    alterConfigsCases,
    listConfigResourcesCases,
    describeLogDirsCases,
    electLeadersCases,
    listPartitionReassignmentsCases,
  ].flat(),
} satisfies Readonly<Record<string, readonly WireCase[]>>

export const allWireCases: readonly WireCase[] = Object.values(wireCatalog).flat()
