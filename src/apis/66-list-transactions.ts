import { ErrorCode } from '../../protocol/errors.ts'
import {
  ListTransactions,
  type ListTransactionsRequest,
  type ListTransactionsResponse,
} from '../../protocol/messages/66-list-transactions.ts'
import { isTransactionState } from '../coordinator/transaction/transaction-state.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

/** Compiling takes time for each of them. */
const LONGEST_PATTERN = 1_000

type Matcher = (transactionalId: string) => boolean

export const listTransactions = apiEntry(ListTransactions, {
  handle: handleListTransactions,
  fail: (_request, error) => failed(error),
})

async function handleListTransactions(
  { broker }: RequestContext,
  { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern }: ListTransactionsRequest,
): Promise<ListTransactionsResponse> {
  const matches = await matcherOf(transactionalIdPattern)
  if (matches === null) return failed(ErrorCode.INVALID_REGULAR_EXPRESSION)
  const states = stateFilters.filter(isTransactionState)
  const unknownStateFilters = stateFilters.filter((name) => !isTransactionState(name))
  const nothing = { throttleTimeMs: 0, errorCode: ErrorCode.NONE, unknownStateFilters, transactionStates: [] }
  if (stateFilters.length > 0 && states.length === 0) return nothing
  const { error, transactions } = await broker.transactions.listTransactions({
    ...{ states, producerIds: producerIdFilters, minDurationMs: durationFilter, matches },
  })
  const transactionStates = transactions.map(({ state, ...one }) => ({ ...one, transactionState: state }))
  return { ...nothing, errorCode: error, transactionStates }
}

/** In RE2's syntax and time; the whole id has to match. Null for a pattern that is none, or longer than any that is meant. */
async function matcherOf(pattern: string | null): Promise<Matcher | null> {
  if (pattern === null || pattern === '') return () => true
  if (pattern.length > LONGEST_PATTERN) return null
  // Loaded only when it is asked for: a start without it does not pay for it.
  const { RE2JS, RE2JSException } = await import('re2js')
  try {
    const compiled = RE2JS.compile(pattern)
    return (transactionalId) => compiled.matches(transactionalId)
  } catch (error) {
    if (error instanceof RE2JSException) return null
    throw error
  }
}

function failed(errorCode: ErrorCode): ListTransactionsResponse {
  return { throttleTimeMs: 0, errorCode, unknownStateFilters: [], transactionStates: [] }
}
