import { describe, expect, it } from 'vitest'
import { configFromEnvironment, wantsDebug } from '../../src/config/environment.ts'

const NOTHING = { texts: new Map(), clusterId: null, security: [], notes: [] }

describe('environment', () => {
  it.each([
    ['KAFKA_LOG_RETENTION_MS', 'log.retention.ms'],
    ['KAFKA_A__B', 'a_b'],
    ['KAFKA_A___B', 'a-b'],
    ['KAFKA_A____B', 'a-.b'],
    // @platformatic/kafka's own compose file.
    [
      'KAFKA_LISTENER_NAME_SECURE_SCRAM___SHA___256_SASL_JAAS_CONFIG',
      'listener.name.secure.scram-sha-256.sasl.jaas.config',
    ],
    // @testcontainers/kafka.
    [
      'KAFKA_LISTENER_NAME_SECURE_SCRAM-SHA-512_SASL_JAAS_CONFIG',
      'listener.name.secure.scram-sha-512.sasl.jaas.config',
    ],
    ['KAFKA_BROKER_ID', 'broker.id'],
    ['KAFKA_SASL_ENABLED_MECHANISMS', 'sasl.enabled.mechanisms'],
    ['KAFKA_CFG_NUM_PARTITIONS', 'num.partitions'],
    ['KAFKA_CFG_LISTENER_NAME_SASL_SSL_PLAIN_SASL_JAAS_CONFIG', 'listener.name.sasl_ssl.plain.sasl.jaas.config'],
    [
      'KAFKA_CFG_LISTENER_NAME_SASL_PLAINTEXT_SASL_ENABLED_MECHANISMS',
      'listener.name.sasl_plaintext.sasl.enabled.mechanisms',
    ],
    ['KAFKA_CFG_A__B', 'a_b'],
    ['KAFKA_ODRADEK_DURABILITY', 'odradek.durability'],
    ['KAFKA_ODRADEK_TOPICS_FILE', 'odradek.topics.file'],
    ['KAFKA_SASL_OAUTHBEARER_ASSERTION_FILE', 'sasl.oauthbearer.assertion.file'],
  ])('%s is %s', (variable, name) => {
    expect([...configFromEnvironment({ [variable]: 'x' }).texts]).toEqual([[name, 'x']])
  })

  it.each([
    'KAFKA_VERSION',
    'KAFKA_HOME',
    'KAFKA_OPTS',
    'KAFKA_HEAP_OPTS',
    'KAFKA_JMX_OPTS',
    'KAFKA_JMX_PORT',
    'KAFKA_JMX_HOSTNAME',
    'KAFKA_GC_LOG_OPTS',
    'KAFKA_JVM_PERFORMANCE_OPTS',
    'KAFKA_LOG4J_OPTS',
    'KAFKA_LOG4J_LOGGERS',
    'KAFKA_LOG4J_ROOT_LOGLEVEL',
    'KAFKA_TOOLS_LOG4J_LOGLEVEL',
    'KAFKA_PORT_9092_TCP_ADDR',
    'KAFKA_SERVICE_HOST',
    'KAFKA_ENABLE_KRAFT',
    'KAFKA_SKIP_KRAFT_STORAGE_INIT',
    'ALLOW_PLAINTEXT_LISTENER',
    'ALLOW_ANONYMOUS_LOGIN',
    'BITNAMI_DEBUG',
    'CONFLUENT_METRICS_ENABLE',
    'PATH',
  ])('%s is no setting, and nothing is said about it', (variable) => {
    expect(configFromEnvironment({ [variable]: 'x' })).toEqual(NOTHING)
  })

  it('KAFKA_PORT is a setting when it is a number, not when Kubernetes tells of a service', () => {
    expect([...configFromEnvironment({ KAFKA_PORT: '9093' }).texts]).toEqual([['port', '9093']])
    expect(configFromEnvironment({ KAFKA_PORT: 'tcp://10.0.0.1:9092' })).toEqual(NOTHING)
  })

  it('takes an empty variable as absent', () => {
    expect(configFromEnvironment({ KAFKA_NUM_PARTITIONS: '', CLUSTER_ID: '' })).toEqual(NOTHING)
  })

  it('prefers KAFKA_CFG_, wherever it stands', () => {
    const { texts } = configFromEnvironment({ KAFKA_CFG_A: '1', KAFKA_A: '2' })
    expect(texts.get('a')).toBe('1')
  })

  it.each(['CLUSTER_ID', 'KAFKA_CLUSTER_ID', 'KAFKA_KRAFT_CLUSTER_ID'])('%s is the id of the cluster', (variable) => {
    expect(configFromEnvironment({ [variable]: 'an-id' })).toEqual({ ...NOTHING, clusterId: 'an-id' })
  })

  it.each([
    'KAFKA_CLIENT_USERS',
    'KAFKA_CLIENT_PASSWORDS',
    'KAFKA_INTER_BROKER_USER',
    'KAFKA_INTER_BROKER_PASSWORD',
    'KAFKA_CONTROLLER_USER',
    'KAFKA_CERTIFICATE_PASSWORD',
    'KAFKA_TLS_TYPE',
    'KAFKA_TLS_CLIENT_AUTH',
    'KAFKA_TLS_TRUSTSTORE_FILE',
    'KAFKA_SSL_KEYSTORE_FILENAME',
    'KAFKA_SSL_KEYSTORE_CREDENTIALS',
    'KAFKA_SSL_KEY_CREDENTIALS',
    'KAFKA_SSL_TRUSTSTORE_FILENAME',
    'KAFKA_SSL_TRUSTSTORE_CREDENTIALS',
  ])('%s is named as security that is not built yet', (variable) => {
    expect(configFromEnvironment({ [variable]: 'x' })).toEqual({ ...NOTHING, security: [variable] })
  })

  it.each(['HOSTNAME_COMMAND', 'PORT_COMMAND', 'RACK_COMMAND', 'BROKER_ID_COMMAND', 'CUSTOM_INIT_SCRIPT'])(
    '%s is never run, and a line says so',
    (variable) => {
      const { texts, notes } = configFromEnvironment({ [variable]: 'touch /tmp/odradek-was-here' })
      expect(texts.size).toBe(0)
      expect(notes).toEqual([expect.stringMatching(`^${variable}: commands in variables are never run`)])
    },
  )

  it.each([['true'], ['1'], ['yes'], ['TRUE']])('BITNAMI_DEBUG=%s asks for more lines', (value) => {
    expect(wantsDebug({ BITNAMI_DEBUG: value })).toBe(true)
  })

  it.each([[undefined], [''], ['false'], ['no']])('BITNAMI_DEBUG=%s does not', (value) => {
    expect(wantsDebug({ BITNAMI_DEBUG: value })).toBe(false)
  })
})

describe('variables that name a file', () => {
  const files: Readonly<Record<string, string>> = { '/run/secrets/id': 'an-id\n', '/run/secrets/three': '3\r\n' }
  const read = (file: string) => files[file] ?? null

  it.each([
    ['KAFKA_KRAFT_CLUSTER_ID_FILE', '/run/secrets/id', { ...NOTHING, clusterId: 'an-id' }],
    ['CLUSTER_ID_FILE', '/run/secrets/id', { ...NOTHING, clusterId: 'an-id' }],
    ['KAFKA_NUM_PARTITIONS_FILE', '/run/secrets/three', { ...NOTHING, texts: new Map([['num.partitions', '3']]) }],
    ['KAFKA_CFG_NUM_PARTITIONS_FILE', '/run/secrets/three', { ...NOTHING, texts: new Map([['num.partitions', '3']]) }],
    ['KAFKA_CLIENT_PASSWORDS_FILE', '/run/secrets/three', { ...NOTHING, security: ['KAFKA_CLIENT_PASSWORDS'] }],
  ])('%s is what stands in it', (variable, file, expected) => {
    expect(configFromEnvironment({ [variable]: file }, read)).toEqual(expected)
  })

  it('is stronger than the variable itself, wherever it stands', () => {
    const both = { KAFKA_NUM_PARTITIONS_FILE: '/run/secrets/three', KAFKA_NUM_PARTITIONS: '2' }
    expect(configFromEnvironment(both, read).texts.get('num.partitions')).toBe('3')
  })

  it('is passed over with a warning when it cannot be read', () => {
    const both = { KAFKA_NUM_PARTITIONS_FILE: '/nowhere', KAFKA_NUM_PARTITIONS: '2' }
    expect(configFromEnvironment(both, read)).toEqual({
      ...NOTHING,
      texts: new Map([['num.partitions', '2']]),
      notes: ['KAFKA_NUM_PARTITIONS_FILE: /nowhere cannot be read, KAFKA_NUM_PARTITIONS stays as it is'],
    })
  })
})

describe('KAFKA_CREATE_TOPICS', () => {
  const topics = (text: string, separator?: string) =>
    configFromEnvironment({
      KAFKA_CREATE_TOPICS: text,
      ...(separator !== undefined && { KAFKA_CREATE_TOPICS_SEPARATOR: separator }),
    }).texts

  it('is odradek.create.topics', () => {
    expect([...topics('a:1:1,b:2:1:compact')]).toEqual([['odradek.create.topics', 'a:1:1,b:2:1:compact']])
  })

  it.each([
    ['a:1:1;b:1:1:compact,delete', ';', 'a:1:1,b:1:1:compact+delete'],
    // As a compose file writes $'\n', which wurstmeister/kafka has its shell evaluate.
    ['a:1:1\nb:1:1,\n', "$'\\n'", 'a:1:1,b:1:1,'],
    ['a:1:1\nb:1:1', "$$'\\n'", 'a:1:1,b:1:1'],
    ['a:1:1\nb:1:1', '\\n', 'a:1:1,b:1:1'],
    ['a:1:1\n b:1:1', '\n', 'a:1:1,b:1:1'],
    ['a:1:1 , b:1:1', ',', 'a:1:1 , b:1:1'],
  ])('%j by %j is %s', (text, separator, expected) => {
    expect(topics(text, separator).get('odradek.create.topics')).toBe(expected)
  })

  it('is weaker than the setting itself', () => {
    const { texts } = configFromEnvironment({ KAFKA_CREATE_TOPICS: 'a', KAFKA_ODRADEK_CREATE_TOPICS: 'b' })
    expect(texts.get('odradek.create.topics')).toBe('b')
  })
})
