import { Produce } from '../../../protocol/messages/00-produce.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { batchesIn, batchOf, batchOfBytes } from '../batches.ts'
import { APPEND, answer, type Change, change, DELETE, ownConfigs, SET, SUBTRACT, until } from '../config-changes.ts'
import { append, bytesOf, produceAnswer, refused as produceRefused, produceRequest } from '../data.ts'
import { type Expected, matching } from '../matcher.ts'
import { ResourceType } from '../topic-config-table.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

interface Row {
  readonly what: string
  readonly changes: readonly Change[]
  readonly error: number
  readonly message: Expected<string | null>
}

const rows: readonly Row[] = [
  {
    what: 'a setting nobody knows',
    changes: [[SET, 'nope', '1']],
    error: 40,
    message: 'Unknown topic config name: nope',
  },
  {
    what: 'a setting that 4.0 removed',
    changes: [[SET, 'message.downconversion.enable', 'true']],
    error: 40,
    message: 'Unknown topic config name: message.downconversion.enable',
  },
  {
    what: 'a value that is no number',
    changes: [[SET, 'retention.ms', 'abc']],
    error: 40,
    message: 'Invalid value abc for configuration retention.ms: Not a number of type LONG',
  },
  {
    what: 'a value out of range',
    changes: [[SET, 'segment.bytes', '10']],
    error: 40,
    message: 'Invalid value 10 for configuration segment.bytes: Value must be at least 1048576',
  },
  {
    what: 'a null value',
    changes: [[SET, 'retention.ms', null]],
    error: 42,
    message: 'Null value not supported for : retention.ms',
  },
  {
    what: 'one setting twice',
    changes: [
      [SET, 'retention.ms', '1'],
      [SET, 'retention.ms', '2'],
    ],
    error: 42,
    message: matching(/^Error due to duplicate config keys/),
  },
  {
    what: 'APPEND to what is no list',
    changes: [[APPEND, 'retention.ms', '1']],
    error: 40,
    message: "Can't APPEND to key retention.ms because its type is not LIST.",
  },
  {
    what: 'SUBTRACT from what is no list',
    changes: [[SUBTRACT, 'retention.ms', '1']],
    error: 40,
    message: "Can't SUBTRACT to key retention.ms because its type is not LIST.",
  },
  {
    what: 'APPEND of a word that is none of those allowed',
    changes: [[APPEND, 'cleanup.policy', 'burn']],
    error: 40,
    message: matching(/burn/),
  },
  {
    what: 'settings that contradict each other',
    changes: [
      [SET, 'min.compaction.lag.ms', '9'],
      [SET, 'max.compaction.lag.ms', '5'],
    ],
    error: 40,
    message: matching(/min\.compaction\.lag\.ms/),
  },
]

export const incrementalAlterConfigsCases = wireCases('IncrementalAlterConfigs', (wireCase) => {
  for (const version of versionsOf(IncrementalAlterConfigs)) {
    wireCase(`v${version} sets, leaves what is not mentioned, and deletes`, async (test) => {
      const { name } = await test.topic({ configs: { 'retention.ms': '1000' } })
      await test.expect(
        IncrementalAlterConfigs,
        version,
        change(name, [[SET, 'max.message.bytes', '2000']]),
        answer(name),
      )
      await until(test, name, { 'retention.ms': '1000', 'max.message.bytes': '2000' })
      const both: readonly Change[] = [
        [DELETE, 'retention.ms', 'whatever'],
        [SET, 'max.message.bytes', '3000'],
      ]
      await test.expect(IncrementalAlterConfigs, version, change(name, both), answer(name))
      await until(test, name, { 'max.message.bytes': '3000' })
    })

    wireCase(`trap 84: v${version} validates only, when asked to`, async (test) => {
      const { name } = await test.topic()
      await test.expect(
        IncrementalAlterConfigs,
        version,
        change(name, [[SET, 'retention.ms', '5']], true),
        answer(name),
      )
      test.same(await ownConfigs(test, name), {}, 'settings')
      const bad = change(name, [[SET, 'retention.ms', 'abc']], true)
      const { responses } = await test.call(IncrementalAlterConfigs, version, bad)
      test.same(responses[0]!.errorCode, 40, 'error')
    })
  }

  wireCase('trap 83: APPEND adds to a list, SUBTRACT takes from it', async (test) => {
    const { name } = await test.topic()
    const policy = async (operation: number, value: string, expected: object) => {
      await test.expect(IncrementalAlterConfigs, 1, change(name, [[operation, 'cleanup.policy', value]]), answer(name))
      await until(test, name, expected)
    }
    await policy(APPEND, 'compact', { 'cleanup.policy': 'delete,compact' })
    await policy(APPEND, 'compact', { 'cleanup.policy': 'delete,compact' })
    await policy(SUBTRACT, 'delete', { 'cleanup.policy': 'compact' })
    await policy(SUBTRACT, 'delete', { 'cleanup.policy': 'compact' })
    await policy(SUBTRACT, 'compact', { 'cleanup.policy': '' })
    await policy(APPEND, 'delete,compact', { 'cleanup.policy': 'delete,compact' })
  })

  wireCase('an empty list is a value', async (test) => {
    const { name } = await test.topic()
    await test.expect(IncrementalAlterConfigs, 1, change(name, [[SET, 'cleanup.policy', '']]), answer(name))
    await until(test, name, { 'cleanup.policy': '' })
  })

  wireCase('deleting what is not set is a success', async (test) => {
    const { name } = await test.topic()
    await test.expect(IncrementalAlterConfigs, 1, change(name, [[DELETE, 'retention.ms', null]]), answer(name))
  })

  for (const { what, changes, error, message } of rows) {
    wireCase(`${what} is refused with ${error}`, async (test) => {
      const { name } = await test.topic()
      await test.expect(IncrementalAlterConfigs, 1, change(name, changes), answer(name, error, message))
      test.same(await ownConfigs(test, name), {}, 'settings')
    })
  }

  wireCase('an operation nobody knows', async (test) => {
    const { name } = await test.topic()
    const { responses } = await test.call(IncrementalAlterConfigs, 1, change(name, [[9, 'retention.ms', '1']]))
    const expected = test.differs({ kafka: -1, odradek: 42, why: 'the client is wrong, not the broker' })
    test.same(
      responses.map(({ errorCode }) => errorCode),
      [expected],
      'errors',
    )
    test.same(await ownConfigs(test, name), {}, 'settings')
  })

  wireCase('one bad setting and nothing is changed', async (test) => {
    const { name } = await test.topic()
    const changes: readonly Change[] = [
      [SET, 'retention.ms', '5'],
      [SET, 'nope', '1'],
    ]
    const { responses } = await test.call(IncrementalAlterConfigs, 1, change(name, changes))
    test.same(responses[0]!.errorCode, 40, 'error')
    test.same(await ownConfigs(test, name), {}, 'settings')
  })

  wireCase('an unknown topic, and a name that is none', async (test) => {
    const name = test.unique('unknown')
    const unknown = await test.call(IncrementalAlterConfigs, 1, change(name, [[SET, 'retention.ms', '5']]))
    test.same(
      unknown.responses.map(({ errorCode, errorMessage }) => [errorCode, errorMessage]),
      [[3, `The topic '${name}' does not exist.`]],
      'unknown',
    )
    // The value is looked at first.
    const bad = await test.call(IncrementalAlterConfigs, 1, change(name, [[SET, 'retention.ms', 'abc']]))
    test.same(bad.responses[0]!.errorCode, 40, 'a bad value')
    const invalid = await test.call(IncrementalAlterConfigs, 1, change('a b', [[SET, 'retention.ms', '5']]))
    test.same(invalid.responses[0]!.errorCode, 17, 'invalid')
  })

  wireCase('trap 88: a resource given twice is refused both times', async (test) => {
    const [twice, once] = [await test.topic(), await test.topic()]
    const resource = (resourceName: string) => ({
      resourceType: ResourceType.TOPIC,
      resourceName,
      configs: [{ name: 'retention.ms', configOperation: SET, value: '5' }],
    })
    const request = { resources: [twice.name, once.name, twice.name].map(resource), validateOnly: false }
    const { responses } = await test.call(IncrementalAlterConfigs, 1, request)
    const codes = responses.map(({ resourceName, errorCode }) => `${resourceName} ${errorCode}`)
    test.same([...new Set(codes)].toSorted(), [`${twice.name} 42`, `${once.name} 0`].toSorted(), 'answers')
    const message = responses.find(({ resourceName }) => resourceName === twice.name)!.errorMessage
    test.same(message, 'Each resource must appear at most once.', 'message')
  })

  wireCase('no changes are a success', async (test) => {
    const { name } = await test.topic()
    await test.expect(IncrementalAlterConfigs, 1, change(name, []), answer(name))
    await test.expect(IncrementalAlterConfigs, 1, { resources: [], validateOnly: false }, { responses: [] })
  })

  const brokerRows: readonly (readonly [string, string, Change, number, Expected<string | null>])[] = [
    [
      'a setting that needs a restart',
      '1',
      [SET, 'node.id', '2'],
      42,
      matching(/^Cannot update these configs dynamically: (\[|HashSet\(|Set\()node\.id/),
    ],
    ['another broker', '7', [SET, 'log.retention.ms', '5'], 42, matching(/7/)],
    ['a broker that is no number', 'one', [SET, 'log.retention.ms', '5'], 42, matching(/./)],
    ['a bad value', '1', [SET, 'log.retention.ms', 'abc'], 42, matching(/log\.retention\.ms/)],
  ]
  for (const [what, broker, setting, error, message] of brokerRows) {
    wireCase(`a broker: ${what} is refused`, async (test) => {
      const request = change(broker, [setting], false, ResourceType.BROKER)
      await test.expect(IncrementalAlterConfigs, 1, request, answer(broker, error, message, ResourceType.BROKER))
    })
  }

  for (const broker of ['1', '']) {
    wireCase(
      `a broker: a dynamic setting of '${broker}' is set and deleted`,
      async (test) => {
        const setting = broker === '' ? 'log.segment.delete.delay.ms' : 'log.cleaner.min.compaction.lag.ms'
        const set = change(broker, [[SET, setting, '1']], false, ResourceType.BROKER)
        await test.expect(IncrementalAlterConfigs, 1, set, answer(broker, 0, null, ResourceType.BROKER))
        const shown = async () => {
          const { results } = await test.call(DescribeConfigs, 4, {
            resources: [{ resourceType: ResourceType.BROKER, resourceName: broker, configurationKeys: [setting] }],
            includeSynonyms: false,
            includeDocumentation: false,
          })
          const [config] = results[0]!.configs
          return config === undefined ? null : [config.value, config.configSource]
        }
        await test.eventually('the setting to show', async () => (await shown())?.[0] === '1')
        test.same(await shown(), ['1', broker === '' ? 3 : 2], 'value and source')
        await test.call(
          IncrementalAlterConfigs,
          1,
          change(broker, [[DELETE, setting, null]], false, ResourceType.BROKER),
        )
        await test.eventually('the setting to be gone', async () => (await shown())?.[0] !== '1')
      },
      'tuned',
    )
  }

  wireCase(
    'a broker: settings nobody knows are kept for plug-ins',
    async (test) => {
      const request = change('1', [[SET, 'my.own.setting', 'x']], false, ResourceType.BROKER)
      await test.expect(IncrementalAlterConfigs, 1, request, answer('1', 0, null, ResourceType.BROKER))
      await test.call(
        IncrementalAlterConfigs,
        1,
        change('1', [[DELETE, 'my.own.setting', null]], false, ResourceType.BROKER),
      )
    },
    'tuned',
  )

  wireCase('a group: bounds and names', async (test) => {
    const group = test.unique('group')
    const bounded = change(group, [[SET, 'consumer.session.timeout.ms', '1']], false, ResourceType.GROUP)
    const low = 'consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms'
    await test.expect(IncrementalAlterConfigs, 1, bounded, answer(group, 40, low, ResourceType.GROUP))
    const unknown = await test.call(
      IncrementalAlterConfigs,
      1,
      change(group, [[SET, 'nope', '1']], false, ResourceType.GROUP),
    )
    test.same(unknown.responses[0]!.errorCode, 40, 'unknown')
    const right = change(group, [[SET, 'consumer.session.timeout.ms', '50000']], false, ResourceType.GROUP)
    await test.expect(IncrementalAlterConfigs, 1, right, answer(group, 0, null, ResourceType.GROUP))
    await until(test, group, { 'consumer.session.timeout.ms': '50000' }, ResourceType.GROUP)
  })

  wireCase('a resource type nobody knows', async (test) => {
    const { responses } = await test.call(IncrementalAlterConfigs, 1, change('x', [[SET, 'a', 'b']], false, 99))
    test.same(
      responses.map(({ errorCode }) => errorCode),
      [42],
      'errors',
    )
  })

  wireCase('a smaller max.message.bytes holds from the next append on', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOfBytes(5000))
    await test.call(IncrementalAlterConfigs, 1, change(topic.name, [[SET, 'max.message.bytes', '1000']]))
    await until(test, topic.name, { 'max.message.bytes': '1000' })
    const tooLarge = async () =>
      (await test.call(Produce, 9, produceRequest(topic, batchOfBytes(5000)))).responses[0]!.partitionResponses[0]!
        .errorCode === 10
    if (test.isKafka) await test.eventually('the limit to hold', tooLarge)
    await test.expect(
      Produce,
      9,
      produceRequest(topic, batchOfBytes(5000)),
      produceAnswer(topic, produceRefused(test, 10)),
    )
    await append(test, topic, batchOf(1))
  })

  wireCase('another compression.type holds from the next append on', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(1))
    await test.call(IncrementalAlterConfigs, 1, change(topic.name, [[SET, 'compression.type', 'gzip']]))
    await until(test, topic.name, { 'compression.type': 'gzip' })
    const codecs = async () => {
      await append(test, topic, batchOf(1))
      return batchesIn(await bytesOf(test, topic)).map(({ codec }) => codec)
    }
    if (test.isKafka) await test.eventually('the codec to hold', async () => (await codecs()).at(-1) === 1)
    const found = await codecs()
    test.same([found[0], found.at(-1)], [0, 1], 'codecs')
  })
})
