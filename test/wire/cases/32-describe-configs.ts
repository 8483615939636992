import type { DecodedResponseOf } from '../../../protocol/codec/schema.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { anyWords, type Expected, inAnyOrder, including, like, matching, perhaps, text } from '../matcher.ts'
import { ConfigSource, ConfigType, groupConfigTable, ResourceType, topicConfigTable } from '../topic-config-table.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { WireTest } from '../wire-test.ts'

type Config = DecodedResponseOf<typeof DescribeConfigs>['results'][number]['configs'][number]

interface Question {
  readonly keys?: readonly string[] | null
  readonly synonyms?: boolean
  readonly documentation?: boolean
}

function ask(
  resourceType: number,
  resourceName: string,
  { keys = null, synonyms = false, documentation = false }: Question = {},
) {
  return {
    resources: [{ resourceType, resourceName, configurationKeys: keys }],
    includeSynonyms: synonyms,
    includeDocumentation: documentation,
  }
}

function answer(resourceType: number, resourceName: string, configs: Expected<Config[]>) {
  return { results: [{ errorCode: 0, errorMessage: '', resourceType, resourceName, configs }] }
}

function refused(resourceType: number, resourceName: string, errorCode: number, errorMessage: Expected<string | null>) {
  return { results: [{ errorCode, errorMessage, resourceType, resourceName, configs: [] }] }
}

const MIN_ISR = 'min.insync.replicas'

/** Kafka pins this one setting for the whole cluster because of a feature that one broker has no use for. */
function minIsrSource(test: WireTest): number {
  return test.differs({
    kafka: ConfigSource.DYNAMIC_DEFAULT_BROKER,
    odradek: ConfigSource.DEFAULT,
    why: 'nothing is pinned here',
  })
}

/** The 33 settings of a topic that has none of its own. */
function topicConfigs(test: WireTest, { synonyms = false, documentation = false } = {}): Expected<Config[]> {
  const configs = topicConfigTable.map(([name, configType, value, synonym]) => {
    const configSource = name === MIN_ISR ? minIsrSource(test) : ConfigSource.DEFAULT
    const behind = synonym === null ? [] : [{ name: synonym, value, source: ConfigSource.DEFAULT }]
    const pinned =
      name === MIN_ISR && test.isKafka ? [{ name, value, source: ConfigSource.DYNAMIC_DEFAULT_BROKER }] : []
    return {
      name,
      value,
      readOnly: false,
      configSource,
      isSensitive: false,
      synonyms: synonyms ? [...pinned, ...behind] : [],
      configType,
      documentation: documentation ? text : null,
    }
  })
  const expected = test.differs({
    kafka: inAnyOrder<Config>(...configs),
    odradek: including<Config>(...configs),
    why: 'our own settings are listed after those of Kafka',
  })
  return expected
}

async function valuesOf(test: WireTest, resourceType: number, resourceName: string, ...keys: readonly string[]) {
  const { results } = await test.call(DescribeConfigs, 4, ask(resourceType, resourceName, { keys }))
  return Object.fromEntries(results[0]!.configs.map(({ name, value }) => [name, value]))
}

export const describeConfigsCases = wireCases('DescribeConfigs', (wireCase) => {
  for (const version of versionsOf(DescribeConfigs)) {
    wireCase(`trap 30: v${version} of a topic gives all of its settings with their defaults`, async (test) => {
      const { name } = await test.topic()
      const expected = answer(ResourceType.TOPIC, name, topicConfigs(test))
      await test.expect(DescribeConfigs, version, ask(ResourceType.TOPIC, name), expected)
    })

    wireCase(`v${version} of a topic with synonyms${version >= 3 ? ' and documentation' : ''}`, async (test) => {
      const { name } = await test.topic()
      const wanted = { synonyms: true, documentation: version >= 3 }
      const expected = answer(ResourceType.TOPIC, name, topicConfigs(test, wanted))
      await test.expect(DescribeConfigs, version, ask(ResourceType.TOPIC, name, wanted), expected)
    })

    wireCase(`v${version} gives a value of the topic with its source and what lies behind it`, async (test) => {
      const configs = { 'retention.ms': '5000', 'cleanup.policy': 'compact', 'max.message.bytes': '2000' }
      const { name } = await test.topic({ configs })
      const keys = ['retention.ms', 'cleanup.policy', 'max.message.bytes', 'no.such.setting']
      const row = (key: string, value: string, configType: number, ...behind: object[]) => ({
        name: key,
        value,
        readOnly: false,
        configSource: ConfigSource.DYNAMIC_TOPIC,
        isSensitive: false,
        synonyms: [{ name: key, value, source: ConfigSource.DYNAMIC_TOPIC }, ...(behind as Config['synonyms'])],
        configType,
        documentation: null,
      })
      const byDefault = (key: string, value: string) => ({ name: key, value, source: ConfigSource.DEFAULT })
      const expected = inAnyOrder<Config>(
        row('retention.ms', '5000', ConfigType.LONG),
        row('cleanup.policy', 'compact', ConfigType.LIST, byDefault('log.cleanup.policy', 'delete')),
        row('max.message.bytes', '2000', ConfigType.INT, byDefault('message.max.bytes', '1048588')),
      )
      const request = ask(ResourceType.TOPIC, name, { keys, synonyms: true })
      await test.expect(DescribeConfigs, version, request, answer(ResourceType.TOPIC, name, expected))
    })

    wireCase(`v${version} with an empty list of settings gives all of them`, async (test) => {
      const { name } = await test.topic()
      const { results } = await test.call(DescribeConfigs, version, ask(ResourceType.TOPIC, name, { keys: [] }))
      test.same(
        [results[0]!.errorCode, results[0]!.configs.length >= 33],
        [0, true],
        'error, and whether all are there',
      )
    })

    wireCase(`v${version}: errors`, async (test) => {
      const unknown = test.unique('unknown')
      const rows = [
        [
          ResourceType.TOPIC,
          unknown,
          3,
          test.differs({ kafka: '', odradek: anyWords, why: 'a word of explanation harms nobody' }),
        ],
        [ResourceType.TOPIC, 'a b', 17, matching(/^Topic name is invalid: /)],
        [ResourceType.TOPIC, '', 17, matching(/^(Default topic resources are not allowed|Topic name is invalid)/)],
        [ResourceType.BROKER, '7', 42, 'Unexpected broker id, expected 1 or empty string, but received 7'],
        [ResourceType.BROKER, 'one', 42, 'Broker id must be an integer, but it is: one'],
        [99, 'x', 42, anyWords],
      ] as const
      for (const [type, name, error, message] of rows) {
        await test.expect(DescribeConfigs, version, ask(type, name), refused(type, name, error, message))
      }
    })
  }

  wireCase('settings of the broker: types, sources, what is read only', async (test) => {
    const { results } = await test.call(DescribeConfigs, 4, ask(ResourceType.BROKER, '1', { synonyms: true }))
    const { errorCode, errorMessage, configs } = results[0]!
    test.same([errorCode, errorMessage], [0, ''], 'error and message')
    const { STATIC_BROKER, DEFAULT } = ConfigSource
    const rows = [
      // Given in Kafka's properties, which it cannot start without.
      ['node.id', '1', ConfigType.INT, test.isKafka ? STATIC_BROKER : DEFAULT, true],
      ['log.retention.hours', '168', ConfigType.INT, DEFAULT, true],
      ['num.partitions', '1', ConfigType.INT, DEFAULT, true],
      ['auto.create.topics.enable', 'true', ConfigType.BOOLEAN, DEFAULT, true],
      ['message.max.bytes', '1048588', ConfigType.INT, DEFAULT, false],
      ['log.retention.bytes', '-1', ConfigType.LONG, DEFAULT, false],
      ['compression.type', 'producer', ConfigType.STRING, DEFAULT, false],
      ['log.cleanup.policy', 'delete', ConfigType.LIST, DEFAULT, false],
      ['offsets.topic.num.partitions', '50', ConfigType.INT, DEFAULT, true],
      ['group.min.session.timeout.ms', '6000', ConfigType.INT, DEFAULT, true],
    ] as const
    const expected = rows.map(([name, value, configType, configSource, readOnly]) =>
      like<Config>({ name, value, configType, configSource, readOnly, isSensitive: false }),
    )
    test.same(configs, including(...expected), 'settings')
  })

  wireCase('a setting that is not set has a null value', async (test) => {
    const keys = ['log.retention.ms', 'log.retention.minutes']
    const { results } = await test.call(DescribeConfigs, 4, ask(ResourceType.BROKER, '1', { keys, synonyms: true }))
    const values = results[0]!.configs.map(({ value, configSource, synonyms }) => [value, configSource, synonyms])
    test.same(
      values,
      [
        [null, ConfigSource.DEFAULT, []],
        [null, ConfigSource.DEFAULT, []],
      ],
      'values',
    )
  })

  wireCase('a secret is never told', async (test) => {
    const keys = ['ssl.keystore.password', 'ssl.key.password']
    const { results } = await test.call(DescribeConfigs, 4, ask(ResourceType.BROKER, '1', { keys }))
    const told = results[0]!.configs.filter(({ value, isSensitive }) => value !== null || !isSensitive)
    test.same(told, [], 'values, or flags that are missing')
  })

  wireCase('the empty broker name asks for what was set for the whole cluster', async (test) => {
    const { results } = await test.call(
      DescribeConfigs,
      4,
      ask(ResourceType.BROKER, '', { keys: ['node.id', 'log.retention.hours', MIN_ISR] }),
    )
    const expected = test.differs({
      kafka: [like<Config>({ name: MIN_ISR, value: '1', configSource: 3 })],
      odradek: [],
      why: 'nothing is pinned here',
    })
    test.same(results[0]!.configs, expected, 'settings')
  })

  for (const version of [1, 4]) {
    wireCase(`v${version} of a group that need not exist`, async (test) => {
      const group = test.unique('group')
      const configs = groupConfigTable.map(([name, configType, value, synonym]) => ({
        name,
        value,
        readOnly: false,
        configSource: ConfigSource.DEFAULT,
        isSensitive: false,
        synonyms: [{ name: synonym, value, source: ConfigSource.DEFAULT }],
        configType,
        documentation: null,
      }))
      const expected = answer(ResourceType.GROUP, group, inAnyOrder<Config>(...configs))
      await test.expect(DescribeConfigs, version, ask(ResourceType.GROUP, group, { synonyms: true }), expected)
    })
  }

  wireCase('a client metrics subscription that need not exist', async (test) => {
    const name = test.unique('metrics')
    const row = (key: string, configType: number, value: string) =>
      like<Config>({ name: key, value, configType, configSource: ConfigSource.DEFAULT, readOnly: false })
    const configs = inAnyOrder<Config>(
      row('interval.ms', ConfigType.INT, '300000'),
      row('metrics', ConfigType.LIST, ''),
      row('match', ConfigType.LIST, ''),
    )
    const { results } = await test.call(DescribeConfigs, 4, ask(ResourceType.CLIENT_METRICS, name))
    test.same(results[0], like({ errorCode: 0, configs } as object), 'answer')
  })

  wireCase('several resources are answered each, in whatever order', async (test) => {
    const { name } = await test.topic()
    const resources = [
      { resourceType: ResourceType.TOPIC, resourceName: name, configurationKeys: ['retention.ms'] },
      { resourceType: ResourceType.TOPIC, resourceName: 'a b', configurationKeys: null },
      { resourceType: ResourceType.BROKER, resourceName: '1', configurationKeys: ['node.id'] },
    ]
    const { results } = await test.call(DescribeConfigs, 4, {
      resources,
      includeSynonyms: false,
      includeDocumentation: false,
    })
    test.same(
      results,
      inAnyOrder(
        like<object>({ errorCode: 0, resourceName: name } as object),
        like<object>({ errorCode: 17, resourceName: 'a b' } as object),
        like<object>({ errorCode: 0, resourceName: '1' } as object),
      ),
      'results',
    )
  })

  wireCase('no resources, no answer', async (test) => {
    await test.expect(
      DescribeConfigs,
      4,
      { resources: [], includeSynonyms: false, includeDocumentation: false },
      { results: [] },
    )
  })

  wireCase('values beyond 2^53 survive', async (test) => {
    const { name } = await test.topic({
      configs: { 'flush.messages': '9223372036854775806', 'retention.ms': '9007199254740993' },
    })
    const values = await valuesOf(test, ResourceType.TOPIC, name, 'flush.messages', 'retention.ms', 'flush.ms')
    test.same(
      values,
      {
        'flush.messages': '9223372036854775806',
        'retention.ms': '9007199254740993',
        'flush.ms': '9223372036854775807',
      },
      'values',
    )
  })

  wireCase(
    'a setting of the whole cluster shows in its topics',
    async (test) => {
      const { name } = await test.topic()
      const set = (configOperation: number, value: string | null) => ({
        resources: [
          {
            resourceType: ResourceType.BROKER,
            resourceName: '',
            configs: [{ name: 'log.cleaner.delete.retention.ms', configOperation, value }],
          },
        ],
        validateOnly: false,
      })
      const answered = await test.call(IncrementalAlterConfigs, 1, set(0, '86400001'))
      test.same(answered.responses[0]!.errorCode, 0, 'error')
      await test.eventually('the setting to show', async () => {
        const values = await valuesOf(test, ResourceType.TOPIC, name, 'delete.retention.ms')
        return values['delete.retention.ms'] === '86400001'
      })
      const request = ask(ResourceType.TOPIC, name, { keys: ['delete.retention.ms'], synonyms: true })
      const { results } = await test.call(DescribeConfigs, 4, request)
      await test.call(IncrementalAlterConfigs, 1, set(1, null))
      test.same(
        results[0]!.configs[0],
        like<Config>({
          value: '86400001',
          configSource: ConfigSource.DYNAMIC_DEFAULT_BROKER,
          synonyms: [
            { name: 'log.cleaner.delete.retention.ms', value: '86400001', source: ConfigSource.DYNAMIC_DEFAULT_BROKER },
            { name: 'log.cleaner.delete.retention.ms', value: '86400000', source: ConfigSource.DEFAULT },
          ],
        }),
        'setting',
      )
    },
    'tuned',
  )

  wireCase('the loggers of this broker and of another', async (test) => {
    const { results } = await test.call(DescribeConfigs, 4, ask(ResourceType.BROKER_LOGGER, '7'))
    test.same([results[0]!.errorCode, results[0]!.errorMessage], [42, anyWords], 'answer')
    const { results: own } = await test.call(DescribeConfigs, 4, ask(ResourceType.BROKER_LOGGER, '1'))
    test.same([own[0]!.errorCode, own[0]!.errorMessage], [0, perhaps('')], 'answer')
  })
})
