import { ErrorCode } from '../../protocol/errors.ts'
import { AddOffsetsToTxn } from '../../protocol/messages/25-add-offsets-to-txn.ts'
import { TransactionVersion } from '../coordinator/transaction/transaction-state.ts'
import { GROUP_METADATA_TOPIC } from '../metadata/internal-topics.ts'
import { apiEntry } from './api-entry.ts'
import { fencedFor } from './transaction-errors.ts'

const FENCED_VERSION = 2

/** Adds the partition in which the group's offsets are kept. */
export const addOffsetsToTxn = apiEntry(AddOffsetsToTxn, {
  async handle({ broker, apiVersion }, { transactionalId, producerId, producerEpoch, groupId }) {
    if (transactionalId === '') return failed(ErrorCode.INVALID_REQUEST)
    const { error } = await broker.transactions.addPartitions({
      ...{ transactionalId, producerId, producerEpoch },
      partitions: [{ topic: GROUP_METADATA_TOPIC, partition: broker.groups.shardOf(groupId) }],
      transactionVersion: TransactionVersion.EXPLICIT,
    })
    return failed(fencedFor(apiVersion, FENCED_VERSION, error))
  },
  fail: (_request, error) => failed(error),
})

function failed(errorCode: ErrorCode) {
  return { throttleTimeMs: 0, errorCode }
}
