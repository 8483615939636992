import { describe, expect, it } from 'vitest'
import { loadBrokerConfig } from '../../src/config/broker-config.ts'

type Variables = Readonly<Record<string, string>>

const load = (environment: Variables) => loadBrokerConfig({ environment })

/** What Testcontainers for Java and Node give; the script then adds the advertised listeners. */
const TESTCONTAINERS: Variables = {
  CLUSTER_ID: '4L6g3nShT-eMCtK--X86sw',
  KAFKA_LISTENERS: 'PLAINTEXT://0.0.0.0:9093,BROKER://0.0.0.0:9092,CONTROLLER://0.0.0.0:9094',
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  KAFKA_INTER_BROKER_LISTENER_NAME: 'BROKER',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  KAFKA_NODE_ID: '1',
  KAFKA_BROKER_ID: '1',
  KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9094',
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '1',
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
  KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: '9223372036854775807',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://localhost:32768,BROKER://f3a1:9092,TC-0://kafka:19092',
}

describe('environments of other images', () => {
  it('Testcontainers, with a listener more', () => {
    const listeners = `${TESTCONTAINERS['KAFKA_LISTENERS']},TC-0://0.0.0.0:19092`
    const { config, clusterId, unknown, notes, notBuilt } = load({ ...TESTCONTAINERS, KAFKA_LISTENERS: listeners })
    expect({ clusterId, unknown, notes, notBuilt }).toEqual({
      clusterId: '4L6g3nShT-eMCtK--X86sw',
      unknown: [],
      notes: [],
      notBuilt: [],
    })
    expect(config.brokerListeners.map(({ name }) => name)).toEqual(['PLAINTEXT', 'BROKER', 'TC-0'])
    expect(config['log.flush.interval.messages']).toBe(Number.MAX_SAFE_INTEGER)
    expect(config.texts.get('log.flush.interval.messages')).toBe('9223372036854775807')
    expect(config['offsets.topic.num.partitions']).toBe(1)
  })

  it('Confluent: starts without KAFKA_ADVERTISED_LISTENERS and without CLUSTER_ID', () => {
    const { config, clusterId } = load({ KAFKA_NUM_PARTITIONS: '3' })
    expect([config['num.partitions'], clusterId]).toEqual([3, null])
    expect(config.brokerListeners).toMatchObject([{ port: 9092, advertisedHost: null }])
  })

  it('apache/kafka: one variable does not drop the defaults of all others', () => {
    const { config } = load({ KAFKA_NUM_PARTITIONS: '3' })
    expect({ ...config, 'num.partitions': 1, texts: new Map() }).toEqual(load({}).config)
  })

  it('apache/kafka: the mounted server.properties is the base, and the environment is stronger', () => {
    const { config } = loadBrokerConfig({
      environment: { KAFKA_NUM_PARTITIONS: '3' },
      file: 'num.partitions=2\ngroup.max.size=7\nlisteners=PLAINTEXT://:9095',
    })
    expect([config['num.partitions'], config['group.max.size']]).toEqual([3, 7])
    expect(config.brokerListeners).toMatchObject([{ port: 9095 }])
  })

  it('Bitnami, with users and certificates that are not built yet', () => {
    const { config, clusterId, unknown, notBuilt } = load({
      ALLOW_PLAINTEXT_LISTENER: 'yes',
      BITNAMI_DEBUG: 'true',
      KAFKA_ENABLE_KRAFT: 'yes',
      KAFKA_KRAFT_CLUSTER_ID: 'abcdefghijklmnopqrstuv',
      KAFKA_CFG_NODE_ID: '0',
      KAFKA_CFG_PROCESS_ROLES: 'controller,broker',
      KAFKA_CFG_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093,EXTERNAL://:9094',
      KAFKA_CFG_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:9092,EXTERNAL://localhost:9094',
      KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,EXTERNAL:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      KAFKA_CFG_CONTROLLER_QUORUM_VOTERS: '0@kafka:9093',
      KAFKA_CFG_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_CFG_SASL_ENABLED_MECHANISMS: 'PLAIN',
      KAFKA_CLIENT_USERS: 'user',
      KAFKA_CLIENT_PASSWORDS: 'secret',
      KAFKA_TLS_TYPE: 'PEM',
    })
    expect({ clusterId, unknown }).toEqual({ clusterId: 'abcdefghijklmnopqrstuv', unknown: [] })
    expect(notBuilt).toEqual([
      'KAFKA_CLIENT_PASSWORDS',
      'KAFKA_CLIENT_USERS',
      'KAFKA_TLS_TYPE',
      'sasl.enabled.mechanisms',
    ])
    expect(config['node.id']).toBe(0)
    expect(config.brokerListeners.map(({ name, advertisedHost }) => [name, advertisedHost])).toEqual([
      ['PLAINTEXT', 'kafka'],
      ['EXTERNAL', 'localhost'],
    ])
  })

  it('with ZooKeeper: one line, and the old number of the broker', () => {
    const { config, unknown, notes } = load({
      KAFKA_BROKER_ID: '5',
      KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181',
      KAFKA_CFG_ZOOKEEPER_CONNECTION_TIMEOUT_MS: '6000',
    })
    expect([config['node.id'], unknown]).toEqual([5, []])
    expect(notes).toEqual([
      'there is no ZooKeeper here, and none is needed: zookeeper.connect, zookeeper.connection.timeout.ms ignored',
    ])
  })

  it('wurstmeister: KAFKA_BROKER_ID=-1 is any number', () => {
    expect(load({ KAFKA_BROKER_ID: '-1' }).config['node.id']).toBe(1)
  })

  it('one of three brokers is told that it is alone', () => {
    expect(load({ KAFKA_CONTROLLER_QUORUM_VOTERS: '1@a:9093,2@b:9093,3@c:9093' }).notes).toEqual([
      expect.stringMatching(/names 3, but this broker is a cluster of its own/),
    ])
    expect(load({ KAFKA_CONTROLLER_QUORUM_VOTERS: '1@a:9093' }).notes).toEqual([])
  })

  it.each(['controller', ' controller '])(
    'a separate controller (process.roles %j) is told that nobody needs it',
    (roles) => {
      const environment = { KAFKA_PROCESS_ROLES: roles, KAFKA_LISTENERS: 'CONTROLLER://:9093' }
      expect(() => load(environment)).toThrow(
        expect.objectContaining({ name: 'ConfigError', setting: 'process.roles' }),
      )
      expect(() => load(environment)).toThrow('leave this service out')
    },
  )

  it.each(['broker', 'controller,broker', 'broker, controller'])('process.roles %j is a broker', (roles) => {
    expect(load({ KAFKA_PROCESS_ROLES: roles }).config.brokerListeners).toHaveLength(1)
  })

  it('settings that nobody knows are named and start nothing from failing', () => {
    const { config, unknown } = load({
      KAFKA_CONFLUENT_SUPPORT_METRICS_ENABLE: 'false',
      KAFKA_NUM_PARTITIONS: '2',
      KAFKA_WHATEVER: 'x',
    })
    expect(unknown).toEqual(['confluent.support.metrics.enable', 'whatever'])
    expect(config['num.partitions']).toBe(2)
  })

  it('settings of users, certificates and permissions are named apart from others without an effect', () => {
    const { notHonoured, notBuilt, unknown } = load({
      KAFKA_SSL_KEYSTORE_LOCATION: '/etc/kafka/secrets/server.keystore.pfx',
      KAFKA_SSL_KEYSTORE_FILENAME: 'server.keystore.pfx',
      KAFKA_AUTHORIZER_CLASS_NAME: 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      KAFKA_SUPER_USERS: 'User:admin',
      'KAFKA_LISTENER_NAME_SECURE_SCRAM-SHA-512_SASL_JAAS_CONFIG': 'x',
      KAFKA_LISTENER_NAME_SECURE_SCRAM___SHA___256_SASL_JAAS_CONFIG: 'x',
      KAFKA_NUM_IO_THREADS: '2',
    })
    expect(notHonoured).toEqual(['num.io.threads'])
    expect(notBuilt).toEqual([
      'KAFKA_SSL_KEYSTORE_FILENAME',
      'authorizer.class.name',
      'listener.name.secure.scram-sha-256.sasl.jaas.config',
      'listener.name.secure.scram-sha-512.sasl.jaas.config',
      'ssl.keystore.location',
      'super.users',
    ])
    expect(unknown).toEqual([])
  })
})
