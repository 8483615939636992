import { api, array, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * The transactions that this broker coordinates. Empty filters mean all; a state that the broker does not know is
 * returned as such and matches nothing.
 */
export const ListTransactions = api({
  key: 66,
  name: 'ListTransactions',
  versions: '0-2', // 1 minimum duration · 2 pattern of ids
  flexible: '0+',
  request: {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64('1+').default(-1),
    transactionalIdPattern: string('2+').nullable().default(null),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({ transactionalId: string(), producerId: int64(), transactionState: string() }),
  },
})
export type ListTransactionsRequest = RequestOf<typeof ListTransactions>
export type ListTransactionsResponse = ResponseOf<typeof ListTransactions>
