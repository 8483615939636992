import { produceCases } from './cases/00-produce.ts'
import { fetchCases, leaderEpochCases, longPollCases, tunedFetchCases } from './cases/01-fetch.ts'
import { listOffsetsCases } from './cases/02-list-offsets.ts'
import { metadataCases } from './cases/03-metadata.ts'
import { offsetCommitCases, offsetFetchCases } from './cases/08-offset-commit.ts'
import { findCoordinatorCases } from './cases/10-find-coordinator.ts'
import { groupTimerCases, joinGroupCases, staticMemberCases } from './cases/11-join-group.ts'
import { heartbeatCases, leaveGroupCases, syncGroupCases } from './cases/12-heartbeat.ts'
import {
  deleteGroupsCases,
  describeGroupsCases,
  listGroupsCases,
  offsetDeleteCases,
} from './cases/15-describe-groups.ts'
import { apiVersionsCases } from './cases/18-api-versions.ts'
import { deleteRecordsCases } from './cases/21-delete-records.ts'
import { idempotenceCases, initProducerIdCases } from './cases/22-init-producer-id.ts'
import { offsetForLeaderEpochCases } from './cases/23-offset-for-leader-epoch.ts'
import { describeClusterCases } from './cases/60-describe-cluster.ts'
import { describeProducersCases } from './cases/61-describe-producers.ts'
import { describeTopicPartitionsCases } from './cases/75-describe-topic-partitions.ts'
import { fetchSessionCases } from './cases/fetch-sessions.ts'
import { framingCases } from './cases/framing.ts'
import { produceRewritingCases } from './cases/produce-rewriting.ts'
import { produceValidationCases } from './cases/produce-validation.ts'
import type { WireCase } from './wire-case.ts'

/** All cases, by subject. */
export const wireCatalog = {
  connection: [...framingCases, ...apiVersionsCases],
  produce: [
    ...produceCases,
    ...produceValidationCases,
    ...produceRewritingCases,
    ...initProducerIdCases,
    ...idempotenceCases,
  ],
  fetch: [...fetchCases, ...longPollCases, ...leaderEpochCases, ...tunedFetchCases, ...fetchSessionCases],
  describe: [
    ...listOffsetsCases,
    ...metadataCases,
    ...findCoordinatorCases,
    ...deleteRecordsCases,
    ...offsetForLeaderEpochCases,
    ...describeClusterCases,
    ...describeProducersCases,
    ...describeTopicPartitionsCases,
  ],
  groups: [
    ...joinGroupCases,
    ...staticMemberCases,
    ...groupTimerCases,
    ...heartbeatCases,
    ...leaveGroupCases,
    ...syncGroupCases,
    ...offsetCommitCases,
    ...offsetFetchCases,
    ...describeGroupsCases,
    ...listGroupsCases,
    ...deleteGroupsCases,
    ...offsetDeleteCases,
  ],
} satisfies Readonly<Record<string, readonly WireCase[]>>

export const allWireCases: readonly WireCase[] = Object.values(wireCatalog).flat()
