import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { producerId } from '../data.ts'
import { atLeast } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

const IDEMPOTENT = { transactionalId: null, transactionTimeoutMs: 60_000 }

export const initProducerIdCases = wireCases('InitProducerId', (wireCase) => {
  for (const version of versionsOf(InitProducerId)) {
    wireCase(`v${version} gives a producer id that nobody had before, epoch 0`, async (test) => {
      await producerId(test)
      const expected = { errorCode: 0, producerId: atLeast(0), producerEpoch: 0 }
      const first = await test.expect(InitProducerId, version, IDEMPOTENT, expected)
      const second = await test.expect(InitProducerId, version, IDEMPOTENT, expected)
      test.same(second.producerId, atLeast(first.producerId + 1), 'the second id')
    })

    wireCase(`v${version} with an empty transactional id is an invalid request`, async (test) => {
      const request = { transactionalId: '', transactionTimeoutMs: 60_000 }
      await test.expect(InitProducerId, version, request, { errorCode: 42, producerId: -1, producerEpoch: -1 })
    })
  }

  for (const version of [3, 4, 5]) {
    wireCase(`v${version}: without a transactional id, an id and an epoch given are no use`, async (test) => {
      const mine = await producerId(test)
      const request = { ...IDEMPOTENT, producerId: mine, producerEpoch: 3 }
      const expected = { errorCode: 0, producerId: atLeast(mine + 1), producerEpoch: 0 }
      await test.expect(InitProducerId, version, request, expected)
    })

    for (const half of [{ producerId: 7 }, { producerEpoch: 7 }]) {
      wireCase(`v${version} with ${Object.keys(half)[0]} alone is an invalid request`, async (test) => {
        const request = { transactionalId: null, transactionTimeoutMs: 60_000, ...half }
        await test.expect(InitProducerId, version, request, { errorCode: 42, producerId: -1, producerEpoch: -1 })
      })
    }
  }

  wireCase('a negative transaction timeout does not matter without a transactional id', async (test) => {
    const expected = { errorCode: 0, producerId: atLeast(0), producerEpoch: 0 }
    await producerId(test)
    await test.expect(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: -1 }, expected)
  })
})
