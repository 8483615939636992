import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { anyWords, type Matcher, oneOf } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { WireTest } from '../wire-test.ts'

const GROUP = 0
const TRANSACTION = 1

function ask(keyType: number, ...keys: readonly string[]) {
  return { key: keys[0]!, keyType, coordinatorKeys: keys }
}

/** Up to v3 the answer is one, from v4 on there is one per key. */
function self(test: WireTest, ...keys: readonly string[]) {
  const { host, port } = test.target
  const here = { nodeId: 1, host, port, errorCode: 0 }
  return {
    ...here,
    errorMessage: 'NONE',
    coordinators: keys.map((key) => ({
      key,
      ...here,
      errorMessage: test.differs({ kafka: '', odradek: oneOf('', null), why: 'there is nothing to say' }),
    })),
  }
}

function nobody(errorCode: number, errorMessage: Matcher, ...keys: readonly string[]) {
  const none = { nodeId: -1, host: '', port: -1, errorCode, errorMessage }
  return { ...none, coordinators: keys.map((key) => ({ key, ...none })) }
}

export const findCoordinatorCases = wireCases('FindCoordinator', (wireCase) => {
  for (const version of versionsOf(FindCoordinator)) {
    wireCase(`trap 73: v${version} of a group is the broker of Metadata`, async (test) => {
      const group = await test.group()
      await test.expect(FindCoordinator, version, ask(GROUP, group), self(test, group))
    })

    wireCase(`v${version} of the group with the empty name`, async (test) => {
      await test.untilCoordinated('')
      await test.expect(FindCoordinator, version, ask(GROUP, ''), self(test, ''))
    })
  }

  for (const version of versionsOf(FindCoordinator, 1)) {
    wireCase(`v${version} of a type that nobody knows`, async (test) => {
      for (const keyType of [3, 100, -1]) {
        const key = test.unique('key')
        await test.expect(FindCoordinator, version, ask(keyType, key), nobody(42, anyWords, key))
      }
    })

    wireCase(`v${version} of a transactional id`, async (test) => {
      const key = test.unique('txn')
      if (test.isKafka) {
        await test.eventually('the transaction coordinator', async () => {
          const { coordinators } = await test.call(FindCoordinator, 4, ask(TRANSACTION, key))
          return coordinators[0]!.errorCode === 0
        })
      }
      await test.expect(FindCoordinator, version, ask(TRANSACTION, key), self(test, key))
    })
  }

  for (const version of versionsOf(FindCoordinator, 4)) {
    wireCase(`v${version} of several groups, one of them twice`, async (test) => {
      const [one, two] = [await test.group(), await test.group()]
      const { coordinators } = await test.call(FindCoordinator, version, ask(GROUP, one, two, one))
      test.same(new Set(coordinators.map(({ key }) => key)).size, 2, 'keys')
      test.same(
        coordinators.every(({ errorCode, nodeId }) => errorCode === 0 && nodeId === 1),
        true,
        'coordinators',
      )
    })

    wireCase(`v${version} of no keys`, async (test) => {
      await test.expect(FindCoordinator, version, ask(GROUP), { coordinators: [] })
    })
  }

  wireCase('v6 of a share partition whose key is none', async (test) => {
    const { coordinators } = await test.call(FindCoordinator, 6, ask(2, 'not-a-share-key'))
    const expected = test.differs({ kafka: 42, odradek: oneOf(42, 15), why: 'share groups do not exist yet' })
    test.same(coordinators[0]!.errorCode, expected, 'error')
  })

  for (const version of [1, 4, 5]) {
    wireCase(`v${version} of a share partition, which only v6 may ask for`, async (test) => {
      const key = 'group:dGhpcy1pcy1uby10b3BpYw:0'
      await test.expect(FindCoordinator, version, ask(2, key), nobody(42, anyWords, key))
    })
  }

  wireCase(
    'trap 74, trap 24: on a broker nobody has used yet',
    async (test) => {
      const client = await test.connect()
      const group = test.unique('group')
      const { host, port } = test.target
      const expected = test.differs({
        kafka: nobody(15, anyWords, group),
        odradek: { ...self(test, group), nodeId: 1, host, port },
        why: 'Kafka has to make its offsets topic first; our coordinators are there before the port is',
      })
      await test.expectOn(client, FindCoordinator, 4, ask(GROUP, group), expected)
      await test.untilCoordinated(group)
      const heartbeat = await client.call(Heartbeat, 0, { groupId: group, generationId: 1, memberId: 'nobody' })
      test.same(
        heartbeat.errorCode,
        test.differs({ kafka: oneOf(25, 14, 15, 16), odradek: 25, why: 'Kafka loads its partitions one by one' }),
        'error',
      )
    },
    'fresh',
  )
})
