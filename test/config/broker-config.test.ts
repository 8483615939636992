import { describe, expect, it } from 'vitest'
import { defaultBrokerConfig, loadBrokerConfig } from '../../src/config/broker-config.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { parseListeners } from '../../src/config/listener-config.ts'
import { parseProperties } from '../../src/config/properties-file.ts'

const PROTOCOL_MAP = 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT'

describe('broker config', () => {
  it('differs from Kafka where one node is better off', () => {
    const config = defaultBrokerConfig()
    expect(config['group.initial.rebalance.delay.ms']).toBe(0)
    expect(config['node.id']).toBe(1)
    expect(config.dataDirectory).toBe('./data')
    expect(config.texts.size).toBe(0)
    expect(config.brokerListeners).toEqual([
      {
        name: 'PLAINTEXT',
        host: null,
        port: 9092,
        advertisedHost: null,
        advertisedPort: null,
        securityProtocol: 'PLAINTEXT',
      },
    ])
  })

  it('takes overrides in tests', () => {
    const config = defaultBrokerConfig({
      'group.max.size': 5,
      'log.cleanup.policy': ['compact', 'delete'],
      'broker.rack': null,
    })
    expect(config['group.max.size']).toBe(5)
    expect(config['log.cleanup.policy']).toEqual(['compact', 'delete'])
    expect(Object.fromEntries(config.texts)).toEqual({ 'group.max.size': '5', 'log.cleanup.policy': 'compact,delete' })
  })

  it('merges command line, environment, file and defaults, in this order', () => {
    const name = 'num.partitions'
    const sources = {
      commandLine: new Map([[name, '2']]),
      environment: { KAFKA_NUM_PARTITIONS: '3' },
      file: `${name}=4\ngroup.max.size=7`,
      defaults: new Map([[name, '5']]),
    }
    const load = (left: Parameters<typeof loadBrokerConfig>[0]) => loadBrokerConfig(left).config[name]
    expect(load(sources)).toBe(2)
    expect(loadBrokerConfig(sources).config['group.max.size']).toBe(7)
    expect(load({ ...sources, commandLine: new Map() })).toBe(3)
    expect(load({ ...sources, commandLine: new Map(), environment: {} })).toBe(4)
    expect(load({ defaults: sources.defaults })).toBe(5)
    expect(load({})).toBe(1)
  })

  it('keeps every default when one setting is given', () => {
    const { config } = loadBrokerConfig({ environment: { KAFKA_NUM_PARTITIONS: '3' } })
    expect({ ...config, 'num.partitions': 1, texts: new Map() }).toEqual(defaultBrokerConfig())
  })

  it('names what has no effect and what nobody knows, by name', () => {
    const loaded = loadBrokerConfig({
      environment: {
        KAFKA_PROCESS_ROLES: 'broker,controller',
        KAFKA_BACKGROUND_THREADS: '4',
        KAFKA_OWN_NAME: 'x',
      },
      file: 'listener.name.plaintext.sasl.jaas.config=x\nnum.partitions=2',
    })
    expect(loaded.notHonoured).toEqual(['background.threads', 'process.roles'])
    expect(loaded.notBuilt).toEqual(['listener.name.plaintext.sasl.jaas.config'])
    expect(loaded.unknown).toEqual(['own.name'])
  })

  it('starts with the environment of a well-known compose file', () => {
    const { config, clusterId, unknown } = loadBrokerConfig({
      environment: {
        CLUSTER_ID: '4L6g3nShT-eMCtK--X86sw',
        KAFKA_NODE_ID: '1',
        KAFKA_PROCESS_ROLES: 'broker,controller',
        KAFKA_LISTENERS: 'PLAINTEXT://0.0.0.0:9092,BROKER://0.0.0.0:9093,CONTROLLER://0.0.0.0:9094',
        KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://localhost:32768,BROKER://kafka:9093',
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
        KAFKA_INTER_BROKER_LISTENER_NAME: 'BROKER',
        KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
        KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9094',
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
        KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: '9223372036854775807',
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
        KAFKA_LOG_DIRS: '/tmp/kraft-combined-logs,/other',
        KAFKA_HEAP_OPTS: '-Xmx1G',
      },
    })
    expect(unknown).toEqual([])
    expect(clusterId).toBe('4L6g3nShT-eMCtK--X86sw')
    expect(config.texts.get('log.flush.interval.messages')).toBe('9223372036854775807')
    expect(config.dataDirectory).toBe('/tmp/kraft-combined-logs')
    expect(
      config.brokerListeners.map((listener) => [
        listener.name,
        listener.port,
        listener.advertisedHost,
        listener.advertisedPort,
      ]),
    ).toEqual([
      ['PLAINTEXT', 9092, 'localhost', 32768],
      ['BROKER', 9093, 'kafka', 9093],
    ])
  })

  it('takes the older broker.id where node.id is not set', () => {
    expect(loadBrokerConfig({ file: 'broker.id=4' }).config['node.id']).toBe(4)
    expect(loadBrokerConfig({ file: 'broker.id=4\nnode.id=5' }).config['node.id']).toBe(5)
  })

  it.each([
    [
      'num.partitions=0',
      'num.partitions',
      'Invalid value 0 for configuration num.partitions: Value must be at least 1 (allowed: INT [1,...])',
    ],
    ['odradek.durability=tape', 'odradek.durability', 'String must be one of: disk, os (allowed: STRING [disk, os])'],
    [
      'group.min.session.timeout.ms=9\ngroup.max.session.timeout.ms=8',
      'group.min.session.timeout.ms',
      '(9) must be less than or equal to group.max.session.timeout.ms (8)',
    ],
    [
      'listener.name.plaintext.max.connections=x',
      'listener.name.plaintext.max.connections',
      'Not a number of type INT',
    ],
  ])('refuses %j with the name and what is allowed', (file, setting, message) => {
    const load = () => loadBrokerConfig({ file })
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(expect.objectContaining({ setting, message: expect.stringContaining(message) }))
  })
})

describe('properties file', () => {
  it.each([
    ['a=b', { a: 'b' }],
    ['  a  =  b  ', { a: 'b  ' }],
    ['a:b', { a: 'b' }],
    ['a b c', { a: 'b c' }],
    ['a', { a: '' }],
    ['# a=b\n! c=d\n\n  # e=f', {}],
    ['a=b # not a comment', { a: 'b # not a comment' }],
    ['a=1,\\\n   2,\\\r\n\t3', { a: '1,2,3' }],
    ['a=b\\\\\nc=d', { a: 'b\\', c: 'd' }],
    ['a=b\\', { a: 'b' }],
    ['a\\=b=c', { 'a=b': 'c' }],
    ['a=\\t\\u0041\\q\\n', { a: '\tAq\n' }],
    ['a=1\na=2', { a: '2' }],
    ['a=b=c', { a: 'b=c' }],
    ['a=b\\\n# c', { a: 'b# c' }],
    ['a=b\rc=d', { a: 'b', c: 'd' }],
  ])('%j', (text, expected) => {
    expect(Object.fromEntries(parseProperties(text))).toEqual(expected)
  })
})

describe('listeners', () => {
  const parse = (listeners: string[], advertised: string[] | null = null, protocolMap = PROTOCOL_MAP) =>
    parseListeners({ listeners, advertised, protocolMap, controllerNames: ['CONTROLLER'] })
  const plain = { name: 'PLAINTEXT', advertisedHost: null, advertisedPort: null, securityProtocol: 'PLAINTEXT' }

  it.each([
    ['PLAINTEXT://:9092', { ...plain, host: null, port: 9092 }],
    ['plaintext://0.0.0.0:0', { ...plain, host: null, port: 0 }],
    ['PLAINTEXT://[::]:9092', { ...plain, host: null, port: 9092 }],
    ['PLAINTEXT://localhost:9092', { ...plain, host: 'localhost', port: 9092, advertisedHost: 'localhost' }],
    ['PLAINTEXT://[::1]:9092', { ...plain, host: '::1', port: 9092, advertisedHost: '::1' }],
  ])('%s', (listener, expected) => {
    expect(parse([listener])).toEqual([expected])
  })

  it('passes over an empty item, as a trailing comma leaves it', () => {
    expect(parse(['PLAINTEXT://:9092', ''], ['PLAINTEXT://kafka:9092', ''])).toHaveLength(1)
  })

  it('passes over the listeners of controllers', () => {
    const listeners = parse(
      ['CONTROLLER://:9093', 'PLAINTEXT://:9092'],
      ['CONTROLLER://0.0.0.0:9093', 'PLAINTEXT://a:1'],
    )
    expect(listeners.map(({ name, advertisedHost, advertisedPort }) => [name, advertisedHost, advertisedPort])).toEqual(
      [['PLAINTEXT', 'a', 1]],
    )
  })

  it.each<[string, () => unknown, string, RegExp]>([
    ['an address without a name', () => parse(['localhost:9092']), 'listeners', /NAME:\/\/host:port/],
    ['a port that is none', () => parse(['PLAINTEXT://:99999']), 'listeners', /NAME:\/\/host:port/],
    ['a name twice', () => parse(['PLAINTEXT://:1', 'PLAINTEXT://:2']), 'listeners', /twice/],
    [
      'a port twice',
      () => parse(['PLAINTEXT://:1', 'B://:1'], null, 'PLAINTEXT:PLAINTEXT,B:PLAINTEXT'),
      'listeners',
      /same port 1/,
    ],
    ['nothing for clients', () => parse(['CONTROLLER://:9093']), 'listeners', /none that clients could use/],
    [
      'trap 26: 0.0.0.0 told to clients',
      () => parse(['PLAINTEXT://:1'], ['PLAINTEXT://0.0.0.0:1']),
      'advertised.listeners',
      /0\.0\.0\.0/,
    ],
    [':: told to clients', () => parse(['PLAINTEXT://:1'], ['PLAINTEXT://[::]:1']), 'advertised.listeners', /::/],
    [
      'a listener told that is not there',
      () => parse(['PLAINTEXT://:1'], ['OTHER://a:1']),
      'advertised.listeners',
      /OTHER is not among listeners/,
    ],
    [
      'a name without a protocol',
      () => parse(['OTHER://:1']),
      'listener.security.protocol.map',
      /no security protocol for listener OTHER/,
    ],
    ['TLS', () => parse(['SSL://:1']), 'listener.security.protocol.map', /SSL of listener SSL is not built yet/],
    [
      'a map that is none',
      () => parse(['PLAINTEXT://:1'], null, 'PLAINTEXT'),
      'listener.security.protocol.map',
      /NAME:PROTOCOL/,
    ],
    [
      'an unknown protocol',
      () => parse(['PLAINTEXT://:1'], null, 'PLAINTEXT:QUIC'),
      'listener.security.protocol.map',
      /NAME:PROTOCOL/,
    ],
  ])('refuses %s', (_, run, setting, message) => {
    expect(run).toThrow(
      expect.objectContaining({ name: 'ConfigError', setting, message: expect.stringMatching(message) }),
    )
  })
})
