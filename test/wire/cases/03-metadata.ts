import { type DecodedResponseOf, type RequestInputOf, ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { useOffsetsTopic } from '../data.ts'
import { aUuid, type Expected, inAnyOrder, including, like, matching, without } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic, WireTest } from '../wire-test.ts'

type Answer = DecodedResponseOf<typeof Metadata>
type Topic = Expected<Answer['topics'][number]>

const UNKNOWN_ID = 'dGhpcy1pcy1uby10b3BpYw'
const NOT_ASKED = -2147483648
/** READ WRITE CREATE DELETE ALTER DESCRIBE DESCRIBE_CONFIGS ALTER_CONFIGS. */
const EVERY_TOPIC_OPERATION = 3576
const EVERY_CLUSTER_OPERATION = 8096

function ask(
  names: readonly string[] | null,
  options: Partial<RequestInputOf<typeof Metadata>> = {},
): RequestInputOf<typeof Metadata> {
  return {
    topics: names?.map((name) => ({ name })) ?? null,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
    ...options,
  }
}

function answer(
  test: WireTest,
  topics: Expected<Answer['topics']>,
  more: Partial<Expected<Answer>> = {},
): Expected<Answer> {
  return {
    brokers: [{ nodeId: 1, host: test.target.host, port: test.target.port, rack: null }],
    clusterId: matching(/^[\w-]{22}$/),
    controllerId: 1,
    topics,
    clusterAuthorizedOperations: NOT_ASKED,
    errorCode: 0,
    ...more,
  } as Expected<Answer>
}

function existing({ name, id }: TestTopic, partitions = 1, operations = NOT_ASKED): Topic {
  return {
    errorCode: 0,
    name,
    topicId: id,
    isInternal: false,
    partitions: inAnyOrder(
      ...Array.from({ length: partitions }, (_, partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId: 1,
        leaderEpoch: 0,
        replicaNodes: [1],
        isrNodes: [1],
        offlineReplicas: [],
      })),
    ),
    topicAuthorizedOperations: operations,
  }
}

function missing(name: string | null, errorCode: number, topicId: Expected<string> = ZERO_UUID): Topic {
  return { errorCode, name, topicId, isInternal: false, partitions: [], topicAuthorizedOperations: NOT_ASKED }
}

/** Tries once more where Kafka creates in the background. */
async function untilCreated(test: WireTest, name: string): Promise<Answer['topics'][number]> {
  let found: Answer['topics'][number] | undefined
  await test.eventually(`topic ${name} to be created`, async () => {
    const { topics } = await test.call(Metadata, 12, ask([name]))
    found = topics[0]
    return found?.errorCode === 0
  })
  return found!
}

export const metadataCases = wireCases('Metadata', (wireCase) => {
  for (const version of versionsOf(Metadata)) {
    wireCase(`v${version} describes a topic`, async (test) => {
      const topic = await test.topic({ partitions: 3 })
      await test.expect(Metadata, version, ask([topic.name]), answer(test, [existing(topic, 3)]))
    })

    wireCase(`v${version} of a topic with an invalid name`, async (test) => {
      for (const name of ['a b', '..', 'x'.repeat(250), '']) {
        await test.expect(Metadata, version, ask([name]), answer(test, [missing(name, 17)]))
      }
    })

    wireCase(`trap 18: v${version} of all topics`, async (test) => {
      const [one, two] = [await test.topic(), await test.topic({ partitions: 2 })]
      const names = version === 0 ? [] : null
      await test.expect(Metadata, version, ask(names), answer(test, including(existing(one), existing(two, 2))))
    })
  }

  for (const version of versionsOf(Metadata, 1)) {
    wireCase(`trap 18: v${version} of no topics`, async (test) => {
      await test.topic()
      await test.expect(Metadata, version, ask([]), answer(test, []))
    })
  }

  for (const version of versionsOf(Metadata, 4)) {
    wireCase(`trap 19, trap 20: v${version} of an unknown topic, not to be created`, async (test) => {
      const name = test.unique('unknown')
      for (let round = 0; round < 2; round++) {
        await test.expect(Metadata, version, ask([name]), answer(test, [missing(name, 3)]))
      }
      await test.expect(Metadata, version, ask(null), answer(test, without(like<Answer['topics'][number]>({ name }))))
    })
  }

  for (const version of versionsOf(Metadata)) {
    wireCase(`v${version} creates an unknown topic${version < 4 ? ', always' : ' when allowed to'}`, async (test) => {
      const name = test.unique('auto')
      const expected = test.differs<Topic, Topic>({
        kafka: missing(name, 3),
        odradek: existing({ name, id: aUuid as unknown as string }),
        why: 'Kafka creates in the background and has the client try again; we create first and answer then',
      })
      const request = ask([name], { allowAutoTopicCreation: true })
      await test.expect(Metadata, version, request, answer(test, [expected]))
      const { partitions, isInternal } = await untilCreated(test, name)
      test.same([partitions.length, isInternal], [1, false], 'partitions')
    })
  }

  wireCase('trap 19: an invalid name is never created', async (test) => {
    const request = ask(['not/a/name'], { allowAutoTopicCreation: true })
    await test.expect(Metadata, 12, request, answer(test, [missing('not/a/name', 17)]))
  })

  wireCase('creating several at once, one of them invalid, one there already', async (test) => {
    const there = await test.topic()
    const [one, two] = [test.unique('auto'), test.unique('auto')]
    const { topics } = await test.call(
      Metadata,
      12,
      ask([one, 'a b', there.name, two], { allowAutoTopicCreation: true }),
    )
    const codes = Object.fromEntries(topics.map(({ name, errorCode }) => [name, errorCode]))
    const created = test.differs({ kafka: 3, odradek: 0, why: 'see above' })
    test.same(codes, { [one]: created, 'a b': 17, [there.name]: 0, [two]: created }, 'errors')
    await untilCreated(test, one)
    await untilCreated(test, two)
  })

  for (const version of [1, 4, 9, 12]) {
    wireCase(`v${version}: a name given twice is answered once`, async (test) => {
      const topic = await test.topic()
      await test.expect(Metadata, version, ask([topic.name, topic.name]), answer(test, [existing(topic)]))
    })
  }

  for (const version of [12, 13]) {
    wireCase(`v${version} by topic id`, async (test) => {
      const topic = await test.topic()
      const request = ask([], { topics: [{ topicId: topic.id, name: null }] })
      await test.expect(Metadata, version, request, answer(test, [existing(topic)]))
    })

    wireCase(`v${version} by an unknown topic id`, async (test) => {
      const request = ask([], { topics: [{ topicId: UNKNOWN_ID, name: null }], allowAutoTopicCreation: true })
      await test.expect(Metadata, version, request, answer(test, [missing(null, 100, UNKNOWN_ID)]))
    })

    wireCase(`v${version}: where there is an id, names alone are not looked at`, async (test) => {
      const [one, two] = [await test.topic(), await test.topic()]
      const topics = [{ topicId: one.id, name: null }, { name: two.name }]
      await test.expect(Metadata, version, ask([], { topics }), answer(test, [existing(one)]))
    })

    wireCase(`v${version}: no name and no id`, async (test) => {
      const request = ask([], { topics: [{ name: null }] })
      const expected = test.differs({
        kafka: answer(test, [missing('', -1)], { brokers: [], clusterId: null, controllerId: -1, errorCode: -1 }),
        odradek: answer(test, [missing('', 17)]),
        why: 'Kafka fails inside; nothing is an invalid name like others',
      })
      await test.expect(Metadata, version, request, expected)
    })
  }

  for (const version of [10, 11]) {
    wireCase(`v${version} with a topic id is an invalid request for each topic`, async (test) => {
      const topic = await test.topic()
      const request = ask([], { topics: [{ topicId: topic.id, name: topic.name }] })
      const refused = answer(test, [missing(topic.name, 42, topic.id)], {
        brokers: [],
        clusterId: null,
        controllerId: -1,
      })
      await test.expect(Metadata, version, request, refused)
    })

    wireCase(`v${version} with a null name is an invalid request`, async (test) => {
      const topic = await test.topic()
      const request = ask([], { topics: [{ topicId: ZERO_UUID, name: null }, { name: topic.name }] })
      const answered = await test.call(Metadata, version, request)
      const codes = answered.topics.map(({ errorCode }) => errorCode)
      test.same([codes, answered.brokers, answered.clusterId], [[42, 42], [], null], 'errors, brokers, cluster id')
    })
  }

  for (const version of versionsOf(Metadata, 8)) {
    wireCase(`v${version}: what one may do is told when asked`, async (test) => {
      const topic = await test.topic()
      const request = ask([topic.name], {
        includeTopicAuthorizedOperations: true,
        includeClusterAuthorizedOperations: true,
      })
      const operations = { clusterAuthorizedOperations: EVERY_CLUSTER_OPERATION }
      const expected = answer(test, [existing(topic, 1, EVERY_TOPIC_OPERATION)], operations)
      await test.expect(Metadata, version, request, expected)
    })
  }

  wireCase('trap 25: the cluster id is the same for everybody', async (test) => {
    const first = await test.call(Metadata, 2, ask([]))
    const other = await (await test.connect('other')).call(Metadata, 13, ask([]))
    test.same(other.clusterId, first.clusterId, 'cluster id')
  })

  wireCase('trap 23: the controller is a broker of the list', async (test) => {
    const { brokers, controllerId } = await test.call(Metadata, 6, ask([]))
    test.same(brokers.map(({ nodeId }) => nodeId).includes(controllerId), true, 'the controller is listed')
  })

  wireCase('trap 4: every topic has an id, and keeps it', async (test) => {
    const topic = await test.topic()
    await test.topic()
    const { topics } = await test.call(Metadata, 12, ask(null))
    test.same(
      topics.filter(({ topicId }) => topicId === ZERO_UUID),
      [],
      'topics without an id',
    )
    test.same(topics.find(({ name }) => name === topic.name)!.topicId, topic.id, 'topic id')
  })

  wireCase('the offsets topic is internal', async (test) => {
    await useOffsetsTopic(test)
    const { topics } = await test.call(Metadata, 12, ask(['__consumer_offsets'], { allowAutoTopicCreation: true }))
    test.same([topics[0]!.errorCode, topics[0]!.isInternal, topics[0]!.partitions.length], [0, true, 50], 'topic')
  })

  wireCase(
    'trap 19: with auto.create.topics.enable=false nothing is created',
    async (test) => {
      for (const version of versionsOf(Metadata)) {
        const name = test.unique('never')
        const request = ask([name], { allowAutoTopicCreation: true })
        for (let round = 0; round < 2; round++) {
          await test.expect(Metadata, version, request, answer(test, [missing(name, 3)]))
        }
      }
    },
    'tuned',
  )
})
