import { type DecodedResponseOf, type RequestInputOf, ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { batchOf } from '../batches.ts'
import { type NewTopic, rows } from '../create-topics-rows.ts'
import { append, useOffsetsTopic } from '../data.ts'
import { aUuid, type Expected, including, like, matching, perhaps } from '../matcher.ts'
import { ConfigSource, topicConfigTable } from '../topic-config-table.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { WireTest } from '../wire-test.ts'

type TopicInput = RequestInputOf<typeof CreateTopics>['topics'][number]

type Created = Expected<DecodedResponseOf<typeof CreateTopics>['topics'][number]>

function newTopic(name: string, options: NewTopic = {}): TopicInput {
  const { partitions = 1, replicas = 1, assignments = [], configs = [] } = options
  return {
    name,
    numPartitions: partitions,
    replicationFactor: replicas,
    assignments: assignments.map(([partitionIndex, ...brokerIds]) => ({ partitionIndex, brokerIds })),
    configs: configs.map(([key, value]) => ({ name: key, value })),
  }
}

function ask(topics: readonly TopicInput[], validateOnly = false, timeoutMs = 30_000) {
  return { topics, timeoutMs, validateOnly }
}

/** All settings by name, those given as dynamic ones. */
function configsOf(test: WireTest, overrides: Readonly<Record<string, string>> = {}): Expected<never[]> {
  const entries = topicConfigTable.map(([name, , value]) => {
    const own = overrides[name]
    const fallback =
      name === 'min.insync.replicas'
        ? test.differs({
            kafka: ConfigSource.DYNAMIC_DEFAULT_BROKER,
            odradek: ConfigSource.DEFAULT,
            why: 'Kafka pins it for the whole cluster because of a feature that one broker has no use for',
          })
        : ConfigSource.DEFAULT
    return {
      name,
      value: own ?? value,
      readOnly: false,
      configSource: own === undefined ? fallback : ConfigSource.DYNAMIC_TOPIC,
      isSensitive: false,
    }
  })
  const expected = test.differs<object, object>({
    kafka: entries,
    odradek: including(...entries),
    why: 'our own settings are listed after those of Kafka',
  })
  return expected as Expected<never[]>
}

function created(
  test: WireTest,
  name: string,
  partitions = 1,
  overrides: Readonly<Record<string, string>> = {},
): Created {
  return {
    name,
    topicId: aUuid,
    errorCode: 0,
    errorMessage: null,
    numPartitions: partitions,
    replicationFactor: 1,
    configs: configsOf(test, overrides),
  }
}

function refused(name: string, errorCode: number, errorMessage: Expected<string | null>): Created {
  return { name, topicId: ZERO_UUID, errorCode, errorMessage, numPartitions: -1, replicationFactor: -1, configs: [] }
}

async function exists(test: WireTest, name: string): Promise<boolean> {
  const { topics } = await test.call(Metadata, 12, {
    topics: [{ name }],
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: false,
  })
  return topics[0]!.errorCode === 0
}

export const createTopicsCases = wireCases('CreateTopics', (wireCase) => {
  for (const version of versionsOf(CreateTopics)) {
    wireCase(`trap 27: v${version} creates a topic that can be used at once`, async (test) => {
      const name = test.unique('topic')
      const request = ask([newTopic(name, { partitions: 3, configs: [['retention.ms', '5000']] })])
      const answer = { topics: [created(test, name, 3, { 'retention.ms': '5000' })] }
      const { topics } = await test.expect(CreateTopics, version, request, answer)
      await test.untilUsable(name, 3)
      if (version >= 7) await append(test, { name, id: topics[0]!.topicId }, batchOf(1), 2)
      test.same(await exists(test, name), true, 'it exists')
    })

    wireCase(`v${version} of a topic that exists`, async (test) => {
      const { name } = await test.topic()
      const refusal = refused(name, 36, `Topic '${name}' already exists.`)
      await test.expect(CreateTopics, version, ask([newTopic(name)]), { topics: [refusal] })
    })

    wireCase(`trap 84: v${version} validates only, when asked to`, async (test) => {
      const name = test.unique('topic')
      const throwAway = test.differs({
        kafka: aUuid,
        odradek: matching(/^[\w-]{22}$/),
        why: 'the id of a topic that is not made means nothing',
      })
      const answer = { topics: [{ ...(created(test, name, 2) as object), topicId: throwAway }] }
      await test.expect(CreateTopics, version, ask([newTopic(name, { partitions: 2 })], true), answer)
      test.same(await exists(test, name), false, 'it exists')
      const bad = refused(name, 37, 'Number of partitions was set to an invalid non-positive value.')
      await test.expect(CreateTopics, version, ask([newTopic(name, { partitions: 0 })], true), { topics: [bad] })
    })

    wireCase(`trap 27: v${version}: a bad topic does not keep the others from being created`, async (test) => {
      const [good, bad, other] = [test.unique('good'), test.unique('bad'), test.unique('good')]
      const request = ask([newTopic(good), newTopic(bad, { partitions: 0 }), newTopic(other)])
      const { topics } = await test.call(CreateTopics, version, request)
      const codes = Object.fromEntries(topics.map(({ name, errorCode }) => [name, errorCode]))
      test.same(codes, { [good]: 0, [bad]: 37, [other]: 0 }, 'errors')
      await test.untilUsable(good, 1)
      test.same([await exists(test, good), await exists(test, bad)], [true, false], 'existence')
    })

    wireCase(`trap 88: v${version}: a name given twice is refused, and answered once`, async (test) => {
      const [twice, once] = [test.unique('twice'), test.unique('once')]
      const request = ask([newTopic(twice), newTopic(once), newTopic(twice, { partitions: 2 })])
      const { topics } = await test.call(CreateTopics, version, request)
      test.same(
        topics.map(({ name, errorCode }) => `${name} ${errorCode}`).toSorted(),
        [`${once} 0`, `${twice} 42`].toSorted(),
        'answers',
      )
      test.same(topics.find(({ name }) => name === twice)!.errorMessage, 'Duplicate topic name.', 'message')
      test.same(await exists(test, twice), false, 'it exists')
    })
  }

  for (const version of versionsOf(CreateTopics, 4)) {
    wireCase(`v${version}: -1 stands for the broker's defaults`, async (test) => {
      const name = test.unique('topic')
      const request = ask([newTopic(name, { partitions: -1, replicas: -1 })])
      await test.expect(CreateTopics, version, request, { topics: [created(test, name, 1)] })
    })
  }

  for (const { what, topic, error, message } of rows) {
    wireCase(`${what} is ${error === 0 ? 'accepted' : `refused with ${error}`}`, async (test) => {
      const name = test.unique('topic')
      const { topics } = await test.call(CreateTopics, 7, ask([newTopic(name, topic)]))
      if (error === 0) {
        test.same(topics, [like({ name, errorCode: 0 })], 'answer')
        return
      }
      const answer = { topics, throttleTimeMs: 0 }
      test.compare(CreateTopics, 7, answer, { topics: [refused(name, error, message)] })
      test.same(await exists(test, name), false, 'it exists')
    })
  }

  const otherCharacters = (name: string) =>
    `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  const tooLong = 'x'.repeat(250)
  for (const [name, reason] of [
    ['', 'the empty string is not allowed'],
    ['.', "'.' is not allowed"],
    ['..', "'..' is not allowed"],
    ['a b', otherCharacters('a b')],
    ['käse', otherCharacters('käse')],
    ['a/b', otherCharacters('a/b')],
    [tooLong, `the length of '${tooLong}' is longer than the max allowed length 249`],
  ] as const) {
    wireCase(`the name '${name === tooLong ? 'x * 250' : name}' is invalid`, async (test) => {
      const refusal = refused(name, 17, `Topic name is invalid: ${reason}`)
      await test.expect(CreateTopics, 7, ask([newTopic(name)]), { topics: [refusal] })
    })
  }

  wireCase('a name of 249 characters is a name', async (test) => {
    const name = test.unique('long').padEnd(249, 'x')
    await test.expect(CreateTopics, 7, ask([newTopic(name)]), { topics: [created(test, name)] })
  })

  wireCase('names that differ from another topic only in dots and underscores collide', async (test) => {
    const stem = test.unique('topic')
    await test.topic({ name: `${stem}.a` })
    const refusal = refused(`${stem}_a`, 17, `Topic '${stem}_a' collides with existing topic: ${stem}.a`)
    await test.expect(CreateTopics, 7, ask([newTopic(`${stem}_a`)]), { topics: [refusal] })
  })

  for (const timeoutMs of [0, -1]) {
    wireCase(`a timeout of ${timeoutMs}`, async (test) => {
      const name = test.unique('topic')
      const expected = test.differs<Created, Created>({
        kafka: refused(name, 7, null),
        odradek: created(test, name),
        why: 'Kafka says that it timed out and creates all the same; we are done before any time is up',
      })
      const answer = await test.call(CreateTopics, 7, ask([newTopic(name)], false, timeoutMs))
      test.compare(CreateTopics, 7, answer, { topics: [expected] })
    })
  }

  wireCase('an assignment makes the partitions it lists', async (test) => {
    const name = test.unique('topic')
    const topic = newTopic(name, {
      partitions: -1,
      replicas: -1,
      assignments: [
        [1, 1],
        [0, 1],
      ],
    })
    await test.expect(CreateTopics, 7, ask([topic]), { topics: [created(test, name, 2)] })
    await test.untilUsable(name, 2)
  })

  wireCase('policies: compact, both of them, none', async (test) => {
    for (const policy of ['compact', 'delete,compact', 'compact,delete', '']) {
      const name = test.unique('topic')
      const topic = newTopic(name, { configs: [['cleanup.policy', policy]] })
      const { topics } = await test.call(CreateTopics, 7, ask([topic]))
      test.same(topics[0]!.errorCode, 0, `error for '${policy}'`)
      const config = topics[0]!.configs!.find((one) => one.name === 'cleanup.policy')
      test.same(config!.value, policy, 'policy')
    }
  })

  wireCase('the same setting twice: the last value counts', async (test) => {
    const name = test.unique('topic')
    const topic = newTopic(name, {
      configs: [
        ['retention.ms', '1000'],
        ['retention.ms', '2000'],
      ],
    })
    const { topics } = await test.call(CreateTopics, 7, ask([topic]))
    test.same(topics[0]!.errorCode, 0, 'error')
    test.same(topics[0]!.configs!.find((one) => one.name === 'retention.ms')!.value, '2000', 'value')
  })

  wireCase('a topic that is there already is checked before its settings', async (test) => {
    const { name } = await test.topic()
    const { topics } = await test.call(
      CreateTopics,
      7,
      ask([newTopic(name, { partitions: 0, configs: [['nope', '1']] })]),
    )
    test.same(topics[0]!.errorCode, 36, 'error')
  })

  wireCase('the offsets topic exists once it is used', async (test) => {
    await useOffsetsTopic(test)
    const name = '__consumer_offsets'
    const { topics } = await test.call(CreateTopics, 7, ask([newTopic(name)]))
    test.same(
      [topics[0]!.errorCode, topics[0]!.errorMessage],
      [36, perhaps(`Topic '${name}' already exists.`)],
      'answer',
    )
  })

  wireCase('no topics, no answer', async (test) => {
    for (const version of versionsOf(CreateTopics)) await test.expect(CreateTopics, version, ask([]), { topics: [] })
  })

  wireCase(
    'num.partitions is what -1 stands for',
    async (test) => {
      const name = test.unique('topic')
      const request = ask([newTopic(name, { partitions: -1, replicas: -1 })])
      const { topics } = await test.call(CreateTopics, 7, request)
      test.same([topics[0]!.errorCode, topics[0]!.numPartitions], [0, 3], 'error and partitions')
    },
    'tuned',
  )
})
