import { expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { listTransactions } from '../../src/apis/66-list-transactions.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { apiFixture } from '../coordinator/api-fixture.ts'

it.each([
  { length: 1_000, errorCode: ErrorCode.NONE },
  { length: 1_001, errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION },
])('a pattern of $length characters is answered with $errorCode: longer ones take long to compile', async (row) => {
  const fixture = await apiFixture()
  const nothing = async () => ({ error: ErrorCode.NONE, transactions: [] })
  fixture.parts = { transactions: { listTransactions: nothing } } as unknown as Partial<Broker>
  const filters = { stateFilters: [], producerIdFilters: [], durationFilter: -1 }
  const request = { ...filters, transactionalIdPattern: 'a'.repeat(row.length) }
  expect((await fixture.send(listTransactions, 2, request)).errorCode).toBe(row.errorCode)
})
