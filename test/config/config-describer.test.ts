import { describe, expect, it } from 'vitest'
import {
  ConfigSource,
  type DescribedConfig,
  describeBrokerConfig,
  describeClientMetricsConfig,
  describeGroupConfig,
  describeTopicConfig,
} from '../../src/config/config-describer.ts'

const { DYNAMIC_TOPIC, DYNAMIC_BROKER, DYNAMIC_DEFAULT_BROKER, STATIC_BROKER, DEFAULT, CLIENT_METRICS, GROUP } =
  ConfigSource

const layers = (
  parts: { broker?: Record<string, string>; cluster?: Record<string, string>; static?: Record<string, string> } = {},
) => ({
  broker: new Map(Object.entries(parts.broker ?? {})),
  cluster: new Map(Object.entries(parts.cluster ?? {})),
  static: new Map(Object.entries(parts.static ?? {})),
})

function find(configs: readonly DescribedConfig[], name: string): DescribedConfig {
  const found = configs.find((config) => config.name === name)
  expect(found, name).toBeDefined()
  return found!
}

const said = ({ value, source, synonyms }: DescribedConfig) => [
  value,
  source,
  synonyms.map((synonym) => [synonym.name, synonym.value, synonym.source]),
]

describe('describing a topic', () => {
  const topic = (name: string, own: Record<string, string> = {}, parts: Parameters<typeof layers>[0] = {}) =>
    find(describeTopicConfig(new Map(Object.entries(own)), layers(parts)), name)

  it('gives type, documentation and flags', () => {
    expect(topic('cleanup.policy')).toMatchObject({ type: 7, readOnly: false, sensitive: false })
    expect(topic('retention.ms').type).toBe(5)
    expect(topic('segment.bytes').type).toBe(3)
    expect(topic('preallocate').type).toBe(1)
    expect(topic('compression.type').type).toBe(2)
    expect(topic('min.cleanable.dirty.ratio').type).toBe(6)
    expect(topic('retention.ms').documentation).toMatch(/segment/)
  })

  // What Kafka 4.3.1 answers to the same settings.
  it.each<[string, DescribedConfig, unknown]>([
    ['a default', topic('cleanup.policy'), ['delete', DEFAULT, [['log.cleanup.policy', 'delete', DEFAULT]]]],
    ['a default whose first synonym has none', topic('retention.ms'), ['604800000', DEFAULT, []]],
    ['a setting without synonyms', topic('remote.storage.enable'), ['false', DEFAULT, []]],
    [
      'the largest LONG',
      topic('flush.messages'),
      ['9223372036854775807', DEFAULT, [['log.flush.interval.messages', '9223372036854775807', DEFAULT]]],
    ],
    [
      'its own',
      topic('retention.ms', { 'retention.ms': ' 7 ' }),
      ['7', DYNAMIC_TOPIC, [['retention.ms', '7', DYNAMIC_TOPIC]]],
    ],
    [
      'its own over the default of the broker',
      topic('max.message.bytes', { 'max.message.bytes': '5' }, { static: { 'message.max.bytes': '2000000' } }),
      [
        '5',
        DYNAMIC_TOPIC,
        [
          ['max.message.bytes', '5', DYNAMIC_TOPIC],
          ['message.max.bytes', '2000000', STATIC_BROKER],
          ['message.max.bytes', '1048588', DEFAULT],
        ],
      ],
    ],
    [
      'from the file',
      topic('max.message.bytes', {}, { static: { 'message.max.bytes': '2000000' } }),
      [
        '2000000',
        STATIC_BROKER,
        [
          ['message.max.bytes', '2000000', STATIC_BROKER],
          ['message.max.bytes', '1048588', DEFAULT],
        ],
      ],
    ],
    [
      'in hours from the file',
      topic('retention.ms', {}, { static: { 'log.retention.hours': '5' } }),
      ['18000000', DEFAULT, []],
    ],
    [
      'from everywhere',
      topic(
        'retention.ms',
        {},
        {
          broker: { 'log.retention.ms': '1' },
          cluster: { 'log.retention.ms': '2' },
          static: { 'log.retention.hours': '5' },
        },
      ),
      [
        '1',
        DYNAMIC_BROKER,
        [
          ['log.retention.ms', '1', DYNAMIC_BROKER],
          ['log.retention.ms', '2', DYNAMIC_DEFAULT_BROKER],
          ['log.retention.hours', '5', STATIC_BROKER],
          ['log.retention.hours', '168', DEFAULT],
        ],
      ],
    ],
    [
      'for all brokers',
      topic('min.insync.replicas', {}, { cluster: { 'min.insync.replicas': '1' } }),
      [
        '1',
        DYNAMIC_DEFAULT_BROKER,
        [
          ['min.insync.replicas', '1', DYNAMIC_DEFAULT_BROKER],
          ['min.insync.replicas', '1', DEFAULT],
        ],
      ],
    ],
  ])('shows %s', (_, config, expected) => {
    expect(said(config)).toEqual(expected)
  })
})

describe('describing a broker', () => {
  const broker = (name: string, parts: Parameters<typeof layers>[0] = {}) =>
    find(describeBrokerConfig(layers(parts)), name)

  it('marks what only a start can change', () => {
    expect(broker('node.id').readOnly).toBe(true)
    expect(broker('log.retention.hours').readOnly).toBe(true)
    expect(broker('log.retention.ms').readOnly).toBe(false)
  })

  it('never shows a secret or what could be one', () => {
    const secret = {
      'ssl.key.password': 'hunter2',
      'my.thing': 'hunter2',
      'listener.name.a.sasl.jaas.config': 'hunter2',
    }
    const configs = describeBrokerConfig(layers({ static: secret, broker: secret, cluster: secret }))
    expect(JSON.stringify(configs)).not.toContain('hunter2')
    expect(find(configs, 'ssl.key.password')).toMatchObject({
      value: null,
      sensitive: true,
      type: 9,
      source: DYNAMIC_BROKER,
    })
    expect(find(configs, 'my.thing')).toMatchObject({ value: null, sensitive: true, readOnly: true, type: 0 })
    expect(find(configs, 'listener.name.a.sasl.jaas.config')).toMatchObject({ value: null, sensitive: true, type: 9 })
  })

  it.each<[string, DescribedConfig, unknown]>([
    ['a default', broker('log.segment.bytes'), ['1073741824', DEFAULT, [['log.segment.bytes', '1073741824', DEFAULT]]]],
    ['no default', broker('log.retention.ms'), [null, DEFAULT, []]],
    [
      'from the file',
      broker('message.max.bytes', { static: { 'message.max.bytes': '9' } }),
      [
        '9',
        STATIC_BROKER,
        [
          ['message.max.bytes', '9', STATIC_BROKER],
          ['message.max.bytes', '1048588', DEFAULT],
        ],
      ],
    ],
    [
      'at run time',
      broker('log.retention.ms', { broker: { 'log.retention.ms': '-5' }, cluster: { 'log.retention.ms': '777777' } }),
      [
        '-5',
        DYNAMIC_BROKER,
        [
          ['log.retention.ms', '-5', DYNAMIC_BROKER],
          ['log.retention.ms', '777777', DYNAMIC_DEFAULT_BROKER],
          ['log.retention.hours', '168', DEFAULT],
        ],
      ],
    ],
    [
      'of one listener',
      broker('listener.name.a.max.connections', { broker: { 'listener.name.a.max.connections': '5' } }),
      [
        '5',
        DYNAMIC_BROKER,
        [
          ['listener.name.a.max.connections', '5', DYNAMIC_BROKER],
          ['max.connections', '2147483647', DEFAULT],
        ],
      ],
    ],
  ])('shows a value %s', (_, config, expected) => {
    expect(said(config)).toEqual(expected)
  })
})

describe('describing a group', () => {
  const group = (name: string, own: Record<string, string> = {}, parts: Parameters<typeof layers>[0] = {}) =>
    said(find(describeGroupConfig(new Map(Object.entries(own)), layers(parts)), name))

  it('shows its own, the broker’s, or the default', () => {
    const name = 'consumer.session.timeout.ms'
    const fromBroker = 'group.consumer.session.timeout.ms'
    expect(group(name)).toEqual(['45000', DEFAULT, [[fromBroker, '45000', DEFAULT]]])
    expect(group(name, {}, { static: { [fromBroker]: '50000' } })).toEqual([
      '50000',
      STATIC_BROKER,
      [
        [fromBroker, '50000', STATIC_BROKER],
        [fromBroker, '45000', DEFAULT],
      ],
    ])
    expect(group('share.auto.offset.reset', { 'share.auto.offset.reset': 'earliest' })).toEqual([
      'earliest',
      GROUP,
      [
        ['share.auto.offset.reset', 'earliest', GROUP],
        ['share.auto.offset.reset', 'latest', DEFAULT],
      ],
    ])
  })
})

describe('describing a subscription to client metrics', () => {
  it('shows its own or the default', () => {
    const configs = describeClientMetricsConfig(new Map([['metrics', 'a , b']]))
    expect(configs.map(said)).toEqual([
      ['300000', DEFAULT, []],
      ['', DEFAULT, []],
      ['a,b', CLIENT_METRICS, [['metrics', 'a,b', CLIENT_METRICS]]],
    ])
  })
})
