import { describe, expect, it } from 'vitest'
import { loadBrokerConfig } from '../../src/config/broker-config.ts'
import { withListenerDefaults } from '../../src/config/listener-defaults.ts'

type Variables = Readonly<Record<string, string>>

const derived = (texts: Variables) => Object.fromEntries(withListenerDefaults(new Map(Object.entries(texts))))
const load = (environment: Variables) => loadBrokerConfig({ environment })

/** `name bound -> advertised` of each listener, with * for every interface and for the address a client has reached. */
function listenersOf(environment: Variables): string[] {
  return load(environment).config.brokerListeners.map(
    ({ name, host, port, advertisedHost, advertisedPort }) =>
      `${name} ${host ?? '*'}:${port} -> ${advertisedHost ?? '*'}:${advertisedPort ?? '*'}`,
  )
}

describe('listeners that images of Kafka derive', () => {
  it('leaves what says nothing about listeners as it is', () => {
    expect(derived({ 'num.partitions': '3' })).toEqual({ 'num.partitions': '3' })
  })

  it.each<[string, Variables, string[]]>([
    ['nothing', {}, ['PLAINTEXT *:9092 -> *:*']],
    [
      'KAFKA_ADVERTISED_LISTENERS only',
      { KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:9092' },
      ['PLAINTEXT *:9092 -> kafka:9092'],
    ],
    [
      'the usual two, advertised only, and a trailing comma',
      { KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT_HOST://localhost:9092,PLAINTEXT://broker:19092,' },
      ['PLAINTEXT_HOST *:9092 -> localhost:9092', 'PLAINTEXT *:19092 -> broker:19092'],
    ],
    [
      'an IPv6 address',
      { KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://[2001:db8::1]:9093' },
      ['PLAINTEXT *:9093 -> 2001:db8::1:9093'],
    ],
    [
      'KAFKA_LISTENERS only, with a name of its own',
      { KAFKA_LISTENERS: 'DOCKER://0.0.0.0:9092,EXTERNAL://:9094' },
      ['DOCKER *:9092 -> *:*', 'EXTERNAL *:9094 -> *:*'],
    ],
    [
      'empty hosts and an empty item, as Testcontainers for .NET leaves them',
      {
        KAFKA_LISTENERS: 'PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094',
        KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://127.0.0.1:32768,BROKER://172.17.0.2:9093,',
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
        KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      },
      ['PLAINTEXT *:9092 -> 127.0.0.1:32768', 'BROKER *:9093 -> 172.17.0.2:9093'],
    ],
    [
      'a listener of controllers that nobody declares',
      { KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093', KAFKA_PROCESS_ROLES: 'controller,broker' },
      ['PLAINTEXT *:9092 -> *:*'],
    ],
    [
      'a listener of controllers with a name of its own',
      { KAFKA_LISTENERS: 'PLAINTEXT://:9092,RAFT://:9093', KAFKA_CONTROLLER_LISTENER_NAMES: 'RAFT' },
      ['PLAINTEXT *:9092 -> *:*'],
    ],
    [
      'a map without all of the names',
      {
        KAFKA_LISTENERS: 'PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094',
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'BROKER:PLAINTEXT,',
      },
      ['PLAINTEXT *:9092 -> *:*', 'BROKER *:9093 -> *:*'],
    ],
    [
      'Bitnami: KAFKA_CFG_ADVERTISED_LISTENERS only',
      { KAFKA_CFG_ADVERTISED_LISTENERS: 'INTERNAL://kafka:9092,EXTERNAL://localhost:9094' },
      ['INTERNAL *:9092 -> kafka:9092', 'EXTERNAL *:9094 -> localhost:9094'],
    ],
    [
      'wurstmeister: KAFKA_ADVERTISED_HOST_NAME',
      { KAFKA_ADVERTISED_HOST_NAME: '192.168.99.100', KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181' },
      ['PLAINTEXT *:9092 -> 192.168.99.100:9092'],
    ],
    [
      'wurstmeister: KAFKA_ADVERTISED_PORT and KAFKA_PORT',
      { KAFKA_ADVERTISED_HOST_NAME: 'kafka', KAFKA_ADVERTISED_PORT: '32768', KAFKA_PORT: '9093' },
      ['PLAINTEXT *:9093 -> kafka:32768'],
    ],
    ['wurstmeister: KAFKA_ADVERTISED_PORT alone', { KAFKA_ADVERTISED_PORT: '32768' }, ['PLAINTEXT *:9092 -> *:32768']],
    [
      'the old names beside listeners of another name',
      { KAFKA_LISTENERS: 'CONTROLLER://:9094,INSIDE://:9093', KAFKA_ADVERTISED_HOST_NAME: 'kafka' },
      ['INSIDE *:9093 -> kafka:9093'],
    ],
    [
      'the old names beside the new one, which wins',
      { KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://new:9092', KAFKA_ADVERTISED_HOST_NAME: 'old' },
      ['PLAINTEXT *:9092 -> new:9092'],
    ],
    [
      'wurstmeister: HOSTNAME_COMMAND in advertised.listeners',
      {
        HOSTNAME_COMMAND: 'hostname -f',
        KAFKA_ADVERTISED_LISTENERS: 'INSIDE://:9092,OUTSIDE://_{HOSTNAME_COMMAND}:9094',
        KAFKA_LISTENERS: 'INSIDE://:9092,OUTSIDE://:9094',
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT',
      },
      ['INSIDE *:9092 -> *:9092', 'OUTSIDE *:9094 -> *:*'],
    ],
    [
      'wurstmeister: commands alone in advertised.listeners',
      { KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://_{HOSTNAME_COMMAND}:_{PORT_COMMAND}' },
      ['PLAINTEXT *:9092 -> *:*'],
    ],
  ])('%s', (_, environment, expected) => {
    expect(listenersOf(environment)).toEqual(expected)
  })

  it('keeps a protocol that somebody gave', () => {
    const map = 'OUTSIDE:SASL_SSL'
    expect(() => load({ KAFKA_LISTENERS: 'OUTSIDE://:9092', KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: map })).toThrow(
      'SASL_SSL of listener OUTSIDE is not built yet',
    )
  })

  it.each(['SASL_HOST', 'SSL_OUTSIDE', 'TLS'])('does not open %s to everybody, which sounds closed', (name) => {
    expect(() => load({ KAFKA_LISTENERS: `${name}://:9092` })).toThrow(`no security protocol for listener ${name}`)
  })

  it.each([
    ['SASL_PLAINTEXT://:9092', /SASL_PLAINTEXT of listener SASL_PLAINTEXT is not built yet/],
    ['SSL://:9092', /SSL of listener SSL is not built yet/],
  ])('%s is refused with the setting and the reason', (listeners, message) => {
    expect(() => load({ KAFKA_LISTENERS: listeners })).toThrow(
      expect.objectContaining({
        setting: 'listener.security.protocol.map',
        message: expect.stringMatching(message),
      }),
    )
  })

  it('tells what was derived as a setting', () => {
    const { config } = load({ KAFKA_ADVERTISED_LISTENERS: 'HOST://kafka:9092' })
    expect(config.texts.get('listeners')).toBe('HOST://0.0.0.0:9092')
    expect(config.listeners).toEqual(['HOST://0.0.0.0:9092'])
    expect(config['listener.security.protocol.map']).toMatch(/,HOST:PLAINTEXT$/)
  })

  it('does not derive from a file what the command line gives', () => {
    const { config } = loadBrokerConfig({
      commandLine: new Map([['listeners', 'PLAINTEXT://:9099']]),
      file: 'advertised.listeners=PLAINTEXT://kafka:9092\nport=9098',
    })
    expect(config.brokerListeners).toMatchObject([{ port: 9099, advertisedHost: 'kafka', advertisedPort: 9092 }])
  })
})
