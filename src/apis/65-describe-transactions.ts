import { ErrorCode } from '../../protocol/errors.ts'
import { DescribeTransactions } from '../../protocol/messages/65-describe-transactions.ts'
import type { DescribedTransaction } from '../coordinator/transaction/transaction-calls.ts'
import { byTopic } from '../coordinator/transaction/transaction-records.ts'
import { apiEntry } from './api-entry.ts'

export const describeTransactions = apiEntry(DescribeTransactions, {
  async handle({ broker }, { transactionalIds }) {
    const described = transactionalIds.map((id) =>
      id === '' ? failed(id, ErrorCode.INVALID_REQUEST) : broker.transactions.describeTransaction(id).then(shape),
    )
    return { throttleTimeMs: 0, transactionStates: await Promise.all(described) }
  },
  fail: ({ transactionalIds }, error) => ({
    throttleTimeMs: 0,
    transactionStates: transactionalIds.map((id) => failed(id, error)),
  }),
})

function shape(described: DescribedTransaction) {
  const { error, transactionalId, state, timeoutMs, startMs, producerId, producerEpoch, partitions } = described
  if (error !== ErrorCode.NONE) return failed(transactionalId, error)
  return {
    errorCode: error,
    ...{ transactionalId, producerId, producerEpoch },
    transactionState: state,
    transactionTimeoutMs: timeoutMs,
    transactionStartTimeMs: startMs,
    topics: byTopic(partitions).map(({ topic, partitionIds }) => ({ topic, partitions: partitionIds })),
  }
}

function failed(transactionalId: string, errorCode: ErrorCode) {
  return {
    ...{ errorCode, transactionalId, transactionState: '', transactionTimeoutMs: 0, transactionStartTimeMs: 0 },
    ...{ producerId: 0, producerEpoch: 0, topics: [] },
  }
}
