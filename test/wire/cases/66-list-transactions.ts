import { ListTransactions } from '../../../protocol/messages/66-list-transactions.ts'
import { inAnyOrder, including } from '../matcher.ts'
import { TransactionalProducer, transactionalId } from '../transactional-producer.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import { sleep } from '../wire-client.ts'
import type { WireTest } from '../wire-test.ts'

interface Filters {
  readonly states?: readonly string[]
  readonly producerIds?: readonly number[]
  readonly minDurationMs?: number
  readonly pattern?: string | null
}

async function list(test: WireTest, version: number, filters: Filters) {
  const { states = [], producerIds = [], minDurationMs = -1, pattern = null } = filters
  const answer = await test.call(ListTransactions, version, {
    ...{ stateFilters: [...states], producerIdFilters: [...producerIds] },
    ...{ durationFilter: minDurationMs, transactionalIdPattern: pattern },
  })
  test.same(answer.throttleTimeMs, 0, 'throttle time')
  return answer
}

async function ids(test: WireTest, version: number, filters: Filters): Promise<string[]> {
  const { errorCode, transactionStates } = await list(test, version, filters)
  test.same(errorCode, 0, 'error')
  return transactionStates.map((one) => one.transactionalId)
}

/** One without a transaction, one with an open one, one committed and one aborted. */
async function four(test: WireTest) {
  const topic = await test.topic()
  const empty = await TransactionalProducer.start(test)
  const open = await TransactionalProducer.writing(test, topic)
  const committed = await TransactionalProducer.writing(test, topic)
  const aborted = await TransactionalProducer.writing(test, topic)
  await committed.finish(true)
  await aborted.finish(false)
  return { empty, open, committed, aborted }
}

export const listTransactionsCases = wireCases('ListTransactions', (wireCase) => {
  for (const version of versionsOf(ListTransactions)) {
    wireCase(`v${version} with all, by state and by producer`, async (test) => {
      const { empty, open, committed, aborted } = await four(test)
      const listed = (one: TransactionalProducer, transactionState: string) => {
        return { transactionalId: one.id, producerId: one.producerId, transactionState }
      }
      const { transactionStates } = await list(test, version, {})
      const all = including(
        listed(empty, 'Empty'),
        listed(open, 'Ongoing'),
        listed(committed, 'CompleteCommit'),
        listed(aborted, 'CompleteAbort'),
      )
      test.same(transactionStates, all, 'all')
      const producerIds = [empty, open, committed, aborted].map(({ producerId }) => producerId)
      const own = (states: string[]) => ids(test, version, { states, producerIds })
      test.same(await own([]), inAnyOrder(empty.id, open.id, committed.id, aborted.id), 'by producers')
      test.same(await own(['Ongoing']), [open.id], 'ongoing')
      test.same(await own(['Empty', 'CompleteCommit']), inAnyOrder(empty.id, committed.id), 'two states')
      test.same(await own(['CompleteAbort']), [aborted.id], 'aborted')
      test.same(await own(['PrepareCommit', 'PrepareAbort']), [], 'none is prepared')
      test.same(await own(['Dead', 'PrepareEpochFence']), [], 'none is dead')
      test.same(await ids(test, version, { producerIds: [-5] }), [], 'nobody')
    })

    wireCase(`v${version}: states that nobody knows are given back`, async (test) => {
      const { id, producerId } = await TransactionalProducer.start(test)
      const producerIds = [producerId]
      const mixed = await list(test, version, { states: ['Nonsense', 'Empty', 'empty'], producerIds })
      test.same([mixed.errorCode, mixed.unknownStateFilters], [0, inAnyOrder('Nonsense', 'empty')], 'unknown states')
      test.same(
        mixed.transactionStates.map((one) => one.transactionalId),
        [id],
        'transactions',
      )
      const unknown = await list(test, version, { states: ['Nonsense'], producerIds })
      test.same([unknown.unknownStateFilters, unknown.transactionStates], [['Nonsense'], []], 'all unknown')
    })
  }

  for (const version of versionsOf(ListTransactions, 1)) {
    wireCase(`v${version}: those that are open for a while`, async (test) => {
      const { empty, open, committed, aborted } = await four(test)
      const producerIds = [empty, open, committed, aborted].map(({ producerId }) => producerId)
      await sleep(30)
      const lasting = (minDurationMs: number) => ids(test, version, { producerIds, minDurationMs })
      const begun = inAnyOrder(open.id, committed.id, aborted.id)
      const all = inAnyOrder(empty.id, open.id, committed.id, aborted.id)
      const difference = { why: 'what never began lasts for no time at all; Kafka counts from the start time -1' }
      test.same(await lasting(600_000), test.differs({ ...difference, kafka: [empty.id], odradek: [] }), 'ten minutes')
      const beginning = test.differs({ ...difference, kafka: all, odradek: begun })
      test.same(await lasting(20), beginning, 'twenty milliseconds')
      test.same(await lasting(0), beginning, 'nothing')
      test.same(await lasting(-1), all, 'off')
    })
  }

  for (const version of versionsOf(ListTransactions, 2)) {
    wireCase(`v${version}: ids like a pattern, all of it`, async (test) => {
      const stem = await transactionalId(test)
      const one = await TransactionalProducer.start(test, 2, `${stem}-a1`)
      const two = await TransactionalProducer.start(test, 2, `${stem}-b2`)
      const like = (pattern: string | null) => ids(test, version, { pattern })
      test.same(await like(`${stem}-.*`), inAnyOrder(one.id, two.id), 'both')
      test.same(await like(`${stem}-a[0-9]`), [one.id], 'one')
      test.same(await like(`${stem}-a`), [], 'a part of an id')
      test.same(await like(`(?i)${stem.toUpperCase()}-B2`), [two.id], 'in capitals')
      test.same(await like(null), including(one.id, two.id), 'no pattern')
      test.same(await like(''), including(one.id, two.id), 'an empty pattern')
    })

    wireCase(`v${version}: a pattern that is none`, async (test) => {
      await transactionalId(test)
      for (const pattern of ['(', '[a', 'a(?=b)', '(a)\\1', '*']) {
        const { errorCode, transactionStates } = await list(test, version, { pattern })
        test.same([errorCode, transactionStates], [128, []], pattern)
      }
    })
  }
})
