import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { defaultBrokerConfig } from '../../src/config/broker-config.ts'
import { AlterOperation } from '../../src/config/config-alteration.ts'
import { ConfigSource } from '../../src/config/config-describer.ts'
import { alterConfigs, replaceConfigs } from '../../src/metadata/alter-configs.ts'
import { createTopics } from '../../src/metadata/create-topics.ts'
import { describeConfigs } from '../../src/metadata/describe-configs.ts'
import { EffectiveBrokerConfig } from '../../src/metadata/effective-broker-config.ts'
import { applyRecords, emptyImage } from '../../src/metadata/image-builder.ts'
import { ConfigResource, type MetadataImage } from '../../src/metadata/metadata-image.ts'
import { TopicConfigs } from '../../src/metadata/topic-configs.ts'
import { newTopic, topicDefaults } from './metadata-fixture.ts'

const { INVALID_CONFIG, INVALID_REQUEST, INVALID_TOPIC_EXCEPTION, NONE, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode
const { TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP } = ConfigResource
const { SET, DELETE, APPEND, SUBTRACT } = AlterOperation
const context = { brokerId: 1, staticTexts: new Map<string, string>(), logLevel: 'info' }

const empty = emptyImage('a-cluster')
const created = createTopics(empty, [newTopic('a')], topicDefaults(), false)
const start = applyRecords(empty, created.records, 9)

type Operation = readonly [operation: number, name: string, value: string | null]

function alter(image: MetadataImage, type: number, name: string, ...operations: Operation[]) {
  const resource = {
    type,
    name,
    operations: operations.map(([operation, key, value]) => ({ operation, name: key, value })),
  }
  const decision = alterConfigs(image, [resource], context, false)
  const { error, message } = decision.result[0]!
  return { error, message, image: applyRecords(image, decision.records, image.offset + 1), records: decision.records }
}

describe('altering configs', () => {
  it.each<[string, number, string, Operation[], number, string]>([
    [
      'an unknown topic',
      TOPIC,
      'z',
      [[SET, 'retention.ms', '5']],
      UNKNOWN_TOPIC_OR_PARTITION,
      "The topic 'z' does not exist.",
    ],
    [
      'a bad value of an unknown topic',
      TOPIC,
      'z',
      [[SET, 'retention.ms', 'x']],
      INVALID_CONFIG,
      'Invalid value x for configuration retention.ms: Not a number of type LONG',
    ],
    [
      'all topics',
      TOPIC,
      '',
      [[SET, 'retention.ms', '5']],
      INVALID_REQUEST,
      'Default topic resources are not allowed.',
    ],
    [
      'a topic name that cannot be',
      TOPIC,
      'a b',
      [[SET, 'retention.ms', '5']],
      INVALID_TOPIC_EXCEPTION,
      "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ],
    [
      'an unknown setting of a topic',
      TOPIC,
      'a',
      [[SET, 'nope', '5']],
      INVALID_CONFIG,
      'Unknown topic config name: nope',
    ],
    [
      'a removed setting of a topic',
      TOPIC,
      'a',
      [[SET, 'message.downconversion.enable', 'true']],
      INVALID_CONFIG,
      'Unknown topic config name: message.downconversion.enable',
    ],
    ['null', TOPIC, 'a', [[SET, 'retention.ms', null]], INVALID_REQUEST, 'Null value not supported for : retention.ms'],
    [
      'null to append',
      TOPIC,
      'a',
      [[APPEND, 'cleanup.policy', null]],
      INVALID_REQUEST,
      'Null value not supported for : cleanup.policy',
    ],
    [
      'a setting twice',
      TOPIC,
      'a',
      [
        [SET, 'retention.ms', '1'],
        [DELETE, 'retention.ms', null],
      ],
      INVALID_REQUEST,
      'Error due to duplicate config keys',
    ],
    [
      'to append to a number',
      TOPIC,
      'a',
      [[APPEND, 'retention.ms', '5']],
      INVALID_CONFIG,
      "Can't APPEND to key retention.ms because its type is not LIST.",
    ],
    [
      'to subtract from a number',
      TOPIC,
      'a',
      [[SUBTRACT, 'retention.ms', '5']],
      INVALID_CONFIG,
      "Can't SUBTRACT to key retention.ms because its type is not LIST.",
    ],
    [
      'to append to nothing known',
      TOPIC,
      'a',
      [[APPEND, 'nope', '5']],
      INVALID_CONFIG,
      "Can't APPEND to key nope because its type is not LIST.",
    ],
    [
      'to append a bad item',
      TOPIC,
      'a',
      [[APPEND, 'cleanup.policy', 'nope']],
      INVALID_CONFIG,
      'Invalid value nope for configuration cleanup.policy: String must be one of: compact, delete',
    ],
    ['an operation nobody knows', TOPIC, 'a', [[9, 'retention.ms', '5']], INVALID_REQUEST, 'Unknown operations type 9'],
    [
      'a value too long to be read again',
      TOPIC,
      'a',
      [[SET, 'leader.replication.throttled.replicas', Array(9000).fill('1:1').join(',')]],
      INVALID_CONFIG,
      'Value of leader.replication.throttled.replicas is longer than 32767 bytes',
    ],
    [
      'what only a start can change',
      BROKER,
      '1',
      [
        [SET, 'node.id', '5'],
        [SET, 'log.retention.hours', '1'],
      ],
      INVALID_REQUEST,
      'Cannot update these configs dynamically: [log.retention.hours, node.id]',
    ],
    [
      'another broker',
      BROKER,
      '7',
      [[SET, 'log.retention.ms', '5']],
      INVALID_REQUEST,
      'Unexpected broker id, expected 1 or empty string, but received 7',
    ],
    [
      'a broker without a number',
      BROKER,
      'x',
      [[SET, 'log.retention.ms', '5']],
      INVALID_REQUEST,
      'Node id must be an integer, but it is: x',
    ],
    [
      'a bad value of a broker',
      BROKER,
      '1',
      [[SET, 'log.retention.ms', 'x']],
      INVALID_REQUEST,
      'Invalid value x for configuration log.retention.ms: Not a number of type LONG',
    ],
    [
      'a value of a broker out of range',
      BROKER,
      '',
      [[SET, 'min.insync.replicas', '0']],
      INVALID_REQUEST,
      'Invalid value 0 for configuration min.insync.replicas: Value must be at least 1',
    ],
    [
      'to append to a number of a broker',
      BROKER,
      '1',
      [[APPEND, 'message.max.bytes', '5']],
      INVALID_CONFIG,
      'Config value append is not allowed for config key: message.max.bytes',
    ],
    [
      'a key store for every listener',
      BROKER,
      '',
      [[SET, 'ssl.keystore.location', '/x']],
      INVALID_REQUEST,
      'These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.location]',
    ],
    [
      'for all brokers what is for one',
      BROKER,
      '',
      [[SET, 'sasl.enabled.mechanisms', 'PLAIN']],
      INVALID_REQUEST,
      'Cannot update these configs at default cluster level, broker id must be specified: [sasl.enabled.mechanisms]',
    ],
    [
      'all groups',
      GROUP,
      '',
      [[SET, 'consumer.session.timeout.ms', '50000']],
      INVALID_REQUEST,
      'Default group resources are not allowed.',
    ],
    [
      'an unknown setting of a group',
      GROUP,
      'g',
      [[SET, 'nope', '1']],
      INVALID_CONFIG,
      'Unknown group config name: nope',
    ],
    [
      'too short a session',
      GROUP,
      'g',
      [[SET, 'consumer.session.timeout.ms', '1']],
      INVALID_CONFIG,
      'consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms',
    ],
    [
      'too long a session',
      GROUP,
      'g',
      [[SET, 'consumer.session.timeout.ms', '100000']],
      INVALID_CONFIG,
      'consumer.session.timeout.ms must be less than or equal to group.consumer.max.session.timeout.ms',
    ],
    [
      'too many standbys',
      GROUP,
      'g',
      [[SET, 'streams.num.standby.replicas', '3']],
      INVALID_CONFIG,
      'streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas',
    ],
    [
      'a reset that is none',
      GROUP,
      'g',
      [[SET, 'share.auto.offset.reset', 'nope']],
      INVALID_CONFIG,
      "Invalid value nope for configuration share.auto.offset.reset: Invalid value `nope` for configuration share.auto.offset.reset. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.",
    ],
    [
      'a subscription without a name',
      CLIENT_METRICS,
      '',
      [[SET, 'interval.ms', '500']],
      INVALID_REQUEST,
      "Subscription name can't be empty",
    ],
    [
      'an unknown setting of a subscription',
      CLIENT_METRICS,
      'm',
      [[SET, 'nope', 'x']],
      INVALID_REQUEST,
      'Unknown client metrics configuration: nope',
    ],
    [
      'too short an interval',
      CLIENT_METRICS,
      'm',
      [[SET, 'interval.ms', '50']],
      INVALID_REQUEST,
      'Invalid value 50 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
    ],
    [
      'too long an interval',
      CLIENT_METRICS,
      'm',
      [[SET, 'interval.ms', '3600001']],
      INVALID_REQUEST,
      'Invalid value 3600001 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
    ],
    [
      'an interval that is no number',
      CLIENT_METRICS,
      'm',
      [[SET, 'interval.ms', 'x']],
      INVALID_CONFIG,
      'Invalid value x for configuration interval.ms: Not a number of type INT',
    ],
    [
      'a match without a pattern',
      CLIENT_METRICS,
      'm',
      [[SET, 'match', 'x']],
      INVALID_CONFIG,
      'Illegal client matching pattern: x',
    ],
    [
      'a match by what does not exist',
      CLIENT_METRICS,
      'm',
      [[SET, 'match', 'client_id=a,nope=x']],
      INVALID_CONFIG,
      'Illegal client matching pattern: nope=x',
    ],
    [
      'a match that is no pattern',
      CLIENT_METRICS,
      'm',
      [[SET, 'match', 'client_id=[']],
      INVALID_CONFIG,
      'Illegal client matching pattern: client_id=[',
    ],
    [
      'to append to a subscription',
      CLIENT_METRICS,
      'm',
      [[APPEND, 'metrics', 'c']],
      INVALID_CONFIG,
      "Can't APPEND to key metrics because its type is not LIST.",
    ],
    ['a logger', BROKER_LOGGER, '1', [[SET, 'root', 'DEBUG']], INVALID_REQUEST, 'Unsupported resource type 8'],
    ['what nobody knows', 77, 'x', [[SET, 'a', 'b']], INVALID_REQUEST, 'Unsupported resource type 77'],
  ])('refuses %s', (_, type, name, operations, error, message) => {
    const altered = alter(start, type, name, ...operations)
    expect(altered).toMatchObject({ error, message })
    expect(altered.records).toEqual([])
  })

  it.each<[string, number, string, Operation[], Record<string, string>]>([
    ['a value, as it was written', TOPIC, 'a', [[SET, 'retention.ms', ' 7 ']], { 'retention.ms': ' 7 ' }],
    [
      'the largest LONG',
      TOPIC,
      'a',
      [[SET, 'retention.ms', '9223372036854775807']],
      { 'retention.ms': '9223372036854775807' },
    ],
    ['no cleanup policy', TOPIC, 'a', [[SET, 'cleanup.policy', '']], { 'cleanup.policy': '' }],
    [
      'an item more than the default',
      TOPIC,
      'a',
      [[APPEND, 'cleanup.policy', 'compact']],
      { 'cleanup.policy': 'delete,compact' },
    ],
    ['an item that is there', TOPIC, 'a', [[APPEND, 'cleanup.policy', 'delete']], { 'cleanup.policy': 'delete' }],
    ['an item less', TOPIC, 'a', [[SUBTRACT, 'cleanup.policy', 'delete']], { 'cleanup.policy': '' }],
    [
      'an item less that is not there',
      TOPIC,
      'a',
      [[SUBTRACT, 'cleanup.policy', 'compact']],
      { 'cleanup.policy': 'delete' },
    ],
    ['nothing when an unknown setting is deleted', TOPIC, 'a', [[DELETE, 'nope', null]], {}],
    ['a setting of one broker', BROKER, '1', [[SET, 'log.retention.ms', '-5']], { 'log.retention.ms': '-5' }],
    ['a setting of all brokers', BROKER, '', [[SET, 'log.retention.ms', '5']], { 'log.retention.ms': '5' }],
    [
      'an item more of a broker',
      BROKER,
      '1',
      [[APPEND, 'log.cleanup.policy', 'compact']],
      { 'log.cleanup.policy': 'delete,compact' },
    ],
    ['an unknown setting of a broker', BROKER, '1', [[SET, 'my.thing', '5']], { 'my.thing': '5' }],
    ['nothing when a fixed setting is deleted', BROKER, '1', [[DELETE, 'node.id', '']], {}],
    [
      'a key store of one listener',
      BROKER,
      '1',
      [[SET, 'listener.name.plaintext.ssl.keystore.location', '/x']],
      { 'listener.name.plaintext.ssl.keystore.location': '/x' },
    ],
    [
      'a setting of a group',
      GROUP,
      'g',
      [[SET, 'share.auto.offset.reset', 'by_duration:PT1H']],
      { 'share.auto.offset.reset': 'by_duration:PT1H' },
    ],
    [
      'a subscription',
      CLIENT_METRICS,
      'm',
      [
        [SET, 'metrics', 'a,b'],
        [SET, 'match', 'client_id=a.*'],
      ],
      { metrics: 'a,b', match: 'client_id=a.*' },
    ],
  ])('stores %s', (_, type, name, operations, expected) => {
    const altered = alter(start, type, name, ...operations)
    expect(altered.error).toBe(NONE)
    expect(Object.fromEntries(altered.image.configOf(type as typeof TOPIC, name))).toEqual(expected)
  })

  it('appends and subtracts on what the topic has', () => {
    const list = 'leader.replication.throttled.replicas'
    let { image } = alter(start, TOPIC, 'a', [SET, list, '0:1'])
    image = alter(image, TOPIC, 'a', [APPEND, list, '1:1,0:1,2:1']).image
    expect(image.configOf(TOPIC, 'a').get(list)).toBe('0:1,1:1,2:1')
    image = alter(image, TOPIC, 'a', [SUBTRACT, list, '1:1,7:7']).image
    expect(image.configOf(TOPIC, 'a').get(list)).toBe('0:1,2:1')
    image = alter(image, TOPIC, 'a', [DELETE, list, 'ignored']).image
    expect(image.configuredResources(TOPIC)).toEqual([])
  })

  it('changes all of a resource or nothing', () => {
    const altered = alter(start, TOPIC, 'a', [SET, 'retention.ms', '5'], [SET, 'segment.ms', '0'])
    expect(altered.error).toBe(INVALID_CONFIG)
    expect(altered.image.configOf(TOPIC, 'a').size).toBe(0)
  })

  it('judges a change together with what is already set', () => {
    const { image } = alter(start, TOPIC, 'a', [SET, 'max.compaction.lag.ms', '5'])
    expect(alter(image, TOPIC, 'a', [SET, 'min.compaction.lag.ms', '10'])).toMatchObject({ error: INVALID_CONFIG })
    const both = alter(image, TOPIC, 'a', [SET, 'min.compaction.lag.ms', '10'], [DELETE, 'max.compaction.lag.ms', null])
    expect(both.error).toBe(NONE)
  })

  it('bounds a group by what the broker is set to', () => {
    const wide = { ...context, staticTexts: new Map([['group.consumer.max.session.timeout.ms', '200000']]) }
    const resource = {
      type: GROUP,
      name: 'g',
      operations: [{ name: 'consumer.session.timeout.ms', operation: SET, value: '100000' }],
    }
    expect(alterConfigs(start, [resource], wide, false).result[0]!.error).toBe(NONE)
    expect(alterConfigs(start, [resource], context, false).result[0]!.error).toBe(INVALID_CONFIG)
  })

  it('limits what a peer can store under made-up names', () => {
    const many = Array.from({ length: 1001 }, (_, index): Operation => [SET, `made.up.${index}`, 'x'])
    expect(alter(start, BROKER, '1', ...many).error).toBe(INVALID_REQUEST)
    expect(alter(start, BROKER, '1', ...many.slice(1)).error).toBe(NONE)
  })

  it('refuses a resource that is there twice, each time, and does the others', () => {
    const operations = [{ name: 'retention.ms', operation: SET, value: '5' }]
    const resources = [
      { type: TOPIC, name: 'a', operations },
      { type: BROKER, name: '', operations: [{ ...operations[0]!, name: 'log.retention.ms' }] },
      { type: TOPIC, name: 'a', operations },
    ]
    const { records, result } = alterConfigs(start, resources, context, false)
    const message = 'Each resource must appear at most once.'
    expect(result).toEqual([
      { type: TOPIC, name: 'a', error: INVALID_REQUEST, message },
      { type: BROKER, name: '', error: NONE, message: null },
      { type: TOPIC, name: 'a', error: INVALID_REQUEST, message },
    ])
    expect(records).toHaveLength(1)
  })

  it('trap 84: validates only when it is asked to', () => {
    const operations = [{ name: 'retention.ms', operation: SET, value: '5' }]
    const { records, result } = alterConfigs(start, [{ type: TOPIC, name: 'a', operations }], context, true)
    expect(result[0]!.error).toBe(NONE)
    expect(records).toEqual([])
  })
})

describe('replacing configs', () => {
  const { image } = alter(start, TOPIC, 'a', [SET, 'retention.ms', '5'], [SET, 'segment.ms', '6'])

  it('resets what is not listed', () => {
    const configs = [
      { name: 'segment.ms', value: '7' },
      { name: 'flush.ms', value: '8' },
    ]
    const { records, result } = replaceConfigs(image, [{ type: TOPIC, name: 'a', configs }], context, false)
    expect(result[0]!.error).toBe(NONE)
    const texts = applyRecords(image, records, image.offset + 1).configOf(TOPIC, 'a')
    expect(Object.fromEntries(texts)).toEqual({ 'segment.ms': '7', 'flush.ms': '8' })
  })

  it.each([
    ['a bad value', [{ name: 'segment.ms', value: '0' }], INVALID_CONFIG],
    ['an unknown name', [{ name: 'nope', value: '0' }], INVALID_CONFIG],
    ['null', [{ name: 'segment.ms', value: null }], INVALID_REQUEST],
    [
      'a name twice',
      [
        { name: 'segment.ms', value: '1' },
        { name: 'segment.ms', value: '1' },
      ],
      INVALID_REQUEST,
    ],
  ])('refuses %s', (_, configs, error) => {
    const { records, result } = replaceConfigs(image, [{ type: TOPIC, name: 'a', configs }], context, false)
    expect(result[0]!.error).toBe(error)
    expect(records).toEqual([])
  })
})

describe('describing configs', () => {
  const describe1 = (type: number, name: string, names: string[] | null = null, image = start) =>
    describeConfigs(image, type, name, names, context)

  it.each([
    ['an unknown topic', TOPIC, 'z', UNKNOWN_TOPIC_OR_PARTITION, ''],
    [
      'another broker',
      BROKER,
      '7',
      INVALID_REQUEST,
      'Unexpected broker id, expected 1 or empty string, but received 7',
    ],
    ['a broker without a number', BROKER, 'x', INVALID_REQUEST, 'Broker id must be an integer, but it is: x'],
    ['a group without a name', GROUP, '', INVALID_REQUEST, 'Group name must not be empty'],
    [
      'a subscription without a name',
      CLIENT_METRICS,
      '',
      INVALID_REQUEST,
      'Client metrics subscription name must not be empty',
    ],
    ['what nobody knows', 77, 'x', INVALID_REQUEST, 'Unsupported resource type: 77'],
  ])('refuses %s', (_, type, name, error, message) => {
    expect(describe1(type, name)).toEqual({ error, message, configs: [] })
  })

  it('trap 30: has every setting of a topic, also when none is set', () => {
    const { error, message, configs } = describe1(TOPIC, 'a')
    expect([error, message, configs.length]).toEqual([NONE, '', 36])
  })

  it('leaves out names that are asked for and not there', () => {
    const { configs } = describe1(TOPIC, 'a', ['nope', 'cleanup.policy'])
    expect(configs.map(({ name, value }) => [name, value])).toEqual([['cleanup.policy', 'delete']])
  })

  it('shows for all brokers only what is set at run time', () => {
    const { image } = alter(start, BROKER, '', [SET, 'log.retention.ms', '777777'])
    expect(describe1(BROKER, '').configs).toEqual([])
    expect(describe1(BROKER, '', null, image).configs).toMatchObject([
      {
        name: 'log.retention.ms',
        value: '777777',
        source: ConfigSource.DYNAMIC_DEFAULT_BROKER,
        synonyms: [{ name: 'log.retention.ms', value: '777777', source: ConfigSource.DYNAMIC_DEFAULT_BROKER }],
      },
    ])
  })

  it('gives the defaults of groups and subscriptions that nobody has set', () => {
    expect(describe1(GROUP, 'nobody').configs).toHaveLength(17)
    expect(describe1(CLIENT_METRICS, 'nobody').configs.map(({ name, value }) => [name, value])).toEqual([
      ['interval.ms', '300000'],
      ['match', ''],
      ['metrics', ''],
    ])
  })
})

describe('effective broker config', () => {
  it('follows this broker, all brokers and the file, in this order', () => {
    const start0 = defaultBrokerConfig({ 'max.connections': 1, 'log.dirs': ['/here'] })
    const configs = new EffectiveBrokerConfig(start0, 1)
    expect(configs.of(start)).toBe(start0)
    let { image } = alter(start, BROKER, '', [SET, 'max.connections', '2'])
    expect(configs.of(image)['max.connections']).toBe(2)
    expect(configs.of(image)).toBe(configs.of(image))
    image = alter(image, BROKER, '1', [SET, 'max.connections', '3'], [SET, 'made.up', 'x']).image
    const effective = configs.of(image)
    expect(effective['max.connections']).toBe(3)
    expect(effective.dataDirectory).toBe('/here')
    expect(effective.texts).toBe(start0.texts)
    image = alter(image, BROKER, '1', [DELETE, 'max.connections', null]).image
    expect(configs.of(image)['max.connections']).toBe(2)
  })

  it('cannot be altered into one that no broker could start with', () => {
    const altered = alter(
      start,
      BROKER,
      '',
      [SET, 'log.cleaner.min.compaction.lag.ms', '9'],
      [SET, 'log.cleaner.max.compaction.lag.ms', '8'],
    )
    expect(altered).toMatchObject({
      error: INVALID_REQUEST,
      message:
        'log.cleaner.min.compaction.lag.ms (9) must be less than or equal to log.cleaner.max.compaction.lag.ms (8)',
    })
  })
})

describe('effective topic configs', () => {
  it('follow the topic, this broker, all brokers and the file, in this order', () => {
    const configs = new TopicConfigs(defaultBrokerConfig({ 'log.retention.ms': 1, 'message.max.bytes': 9000 }), 1)
    const retention = (image: MetadataImage) => configs.of(image, 'a')['retention.ms']
    expect(retention(start)).toBe(1)
    let { image } = alter(start, BROKER, '', [SET, 'log.retention.ms', '2'])
    expect(retention(image)).toBe(2)
    image = alter(image, BROKER, '1', [SET, 'log.retention.ms', '3']).image
    expect(retention(image)).toBe(3)
    image = alter(image, TOPIC, 'a', [SET, 'retention.ms', '4']).image
    expect(retention(image)).toBe(4)
    expect(retention(start)).toBe(1)
    expect(configs.of(image, 'a')['max.message.bytes']).toBe(9000)
    expect(configs.of(image, 'another')['retention.ms']).toBe(3)
  })

  it('are resolved once as long as nothing changes', () => {
    const configs = new TopicConfigs(defaultBrokerConfig(), 1)
    const first = configs.of(start, 'a')
    expect(configs.of(start, 'a')).toBe(first)
    expect(configs.of(alter(start, GROUP, 'g', [SET, 'share.isolation.level', 'read_committed']).image, 'a')).toBe(
      first,
    )
  })
})
