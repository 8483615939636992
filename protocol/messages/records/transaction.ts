import { array, int8, int16, int32, int64, type Message, message, string } from '../../codec/schema.ts'

export const TransactionLogKey = message({
  name: 'TransactionLogKey',
  versions: '0',
  flexible: 'none',
  fields: { transactionalId: string() },
})

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

/**  */
export const transactionRecords = [
  { id: 0, key: TransactionLogKey, value: TransactionLogValue },
] as const satisfies readonly { id: number; key: Message; value: Message }[]
