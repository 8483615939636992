/**
 * Records of `__transaction_state`. Key and value are framed as in `__consumer_offsets`: type id and key message,
 * version and value message. A null value forgets the transactional id.
 */

import { array, int8, int16, int32, int64, type Message, message, string } from '../../codec/schema.ts'

export const TransactionLogKey = message({
  name: 'TransactionLogKey',
  versions: '0',
  flexible: 'none',
  fields: { transactionalId: string() },
})

/**
 * Status: 0 empty, 1 ongoing, 2 prepare commit, 3 prepare abort, 4 complete commit, 5 complete abort, 6 dead. The
 * partitions are null in state 0 and a list, perhaps empty, in all others. Version 1 is written from
 * transaction.version 1 on.
 */
export const TransactionLogValue = message({
  name: 'TransactionLogValue',
  versions: '0-1',
  flexible: '1+',
  fields: {
    producerId: int64(),
    previousProducerId: int64('1+').default(-1).tag(0, '1+'),
    nextProducerId: int64('1+').default(-1).tag(1, '1+'),
    producerEpoch: int16(),
    nextProducerEpoch: int16('1+').default(-1).tag(3, '1+'),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: array({ topic: string(), partitionIds: array(int32()) }).nullable(),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: int16('1+').default(0).tag(2, '1+'),
  },
})

/** The one record type of `__transaction_state`. */
export const transactionRecords = [
  { id: 0, key: TransactionLogKey, value: TransactionLogValue },
] as const satisfies readonly { id: number; key: Message; value: Message }[]
