import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { brokerConfigs } from '../../../src/config/broker-configs.ts'
import {
  type ConfigDefinition,
  canonicalText,
  configProblem,
  isSensitive,
} from '../../../src/config/config-definition.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, endAll, filesIn, type StartOptions, temporaryFolder } from '../../support/process.ts'

const BROKER = 4
const STATIC_BROKER_CONFIG = 4
/** Who and where the broker is: said by other tests, and not to be moved in this one. */
const NAMES_AND_PLACES: ReadonlySet<string> = new Set([
  ...['node.id', 'broker.id', 'odradek.virtual.brokers', 'log.dir', 'log.dirs', 'odradek.topics.file'],
  ...['listeners', 'advertised.listeners', 'listener.security.protocol.map', 'controller.listener.names'],
])

/** Texts of a form of their own. */
const SPECIAL: Readonly<Record<string, string>> = {
  'max.connections.per.ip.overrides': '10.0.0.1:5',
  'odradek.disk.budget.high': '10737418240',
  'odradek.disk.budget.low': '9663676416',
  'odradek.http.listener': '127.0.0.1:0',
}

/** A valid text that differs from the default. */
function otherThanDefault(name: string, definition: ConfigDefinition): string {
  const number = Number(definition.defaultText)
  const words = definition.range.replace(/[[\]]/g, '').split(', ')
  const candidates = /BOOLEAN|STRING|LIST|CLASS|PASSWORD/.test(definition.type)
    ? ['true', 'false', ...words, 'other']
    : [number + 1, number - 1, number / 2, 1].map(String)
  const fits = (text: string) => text !== definition.defaultText && configProblem(name, definition, text) === null
  const text = SPECIAL[name] ?? candidates.find(fits)
  if (text === undefined) throw new Error(`no value for ${name} besides ${definition.defaultText}`)
  return text
}

/** Settings whose effect a client can see without describing them: the number of partitions of a topic it creates. */
async function partitionsOf(options: StartOptions): Promise<number | null> {
  const broker = await BrokerProcess.start(options)
  const client = await PlainClient.connect(broker.port)
  const count = await client.partitionCount('created-when-asked-for', true)
  await client.close()
  return count
}

function properties(text: string): string[] {
  const file = path.join(temporaryFolder(), 'server.properties')
  writeFileSync(file, text)
  return ['--config', file]
}

describe('settings', () => {
  afterEach(endAll)

  it('--set takes effect: auto.create.topics.enable', async () => {
    expect(await partitionsOf({ args: ['--set', 'auto.create.topics.enable=false'] })).toBeNull()
    expect(await partitionsOf({ args: ['--set', 'auto.create.topics.enable=true'] })).toBe(1)
  })

  it('--set takes effect: message.max.bytes refuses what is larger', async () => {
    const broker = await BrokerProcess.start({ args: ['-s', 'message.max.bytes=1000'] })
    const client = await PlainClient.connect(broker.port)
    await client.createTopic('small')
    await client.produce('small', ['x'.repeat(500)])
    await expect(client.produce('small', ['x'.repeat(1500)])).rejects.toThrow('error 10')
    await client.close()
  })

  it('--set takes effect: log.segment.bytes rolls', async () => {
    const broker = await BrokerProcess.start({ args: ['--set', 'log.segment.bytes=1048576'] })
    const client = await PlainClient.connect(broker.port)
    await client.createTopic('rolled')
    for (let round = 0; round < 4; round++) await client.produce('rolled', ['x'.repeat(500_000)])
    const segments = filesIn(broker.data).filter((file) => /^rolled-0.*\.log$/.test(file))
    expect(segments).toHaveLength(2)
    await client.close()
  })

  it('--set takes effect: listeners and advertised.listeners say where the broker is', async () => {
    const args = [
      '--set',
      'listeners=OUTSIDE://127.0.0.1:0',
      '--set',
      'listener.security.protocol.map=OUTSIDE:PLAINTEXT',
    ]
    const broker = await BrokerProcess.start({ port: null, args })
    expect(broker.stdout).toContain(`ready on 127.0.0.1:${broker.port}, data in`)
    const client = await PlainClient.connect(broker.port)
    expect(await client.partitionCount('there-is-none')).toBeNull()
    await client.close()
  })

  it('the last of several --set of one name counts, and a value may hold an equals sign', async () => {
    const args = ['--set', 'num.partitions=3', '--set', 'num.partitions=5', '--set', 'broker.rack=a=b']
    expect(await partitionsOf({ args })).toBe(5)
  })

  it('--set reaches every setting there is', async () => {
    const given = Object.entries<ConfigDefinition>(brokerConfigs)
      .filter(([name]) => !NAMES_AND_PLACES.has(name))
      .map(([name, definition]) => ({ name, definition, text: otherThanDefault(name, definition) }))
    const args = given.flatMap(({ name, text }) => ['--set', `${name}=${text}`])
    const broker = await BrokerProcess.start({ args })
    const client = await PlainClient.connect(broker.port)
    const { results } = await client.wire.send(DescribeConfigs, 4, {
      resources: [{ resourceType: BROKER, resourceName: '1', configurationKeys: null }],
    })
    const described = new Map(results[0]!.configs.map((config) => [config.name, config]))
    for (const { name, definition, text } of given) {
      const value = isSensitive(definition) ? null : canonicalText(definition, text)
      expect(described.get(name), name).toMatchObject({ name, value, configSource: STATIC_BROKER_CONFIG })
    }
    await client.close()
  })

  it('KAFKA_… as the Apache and Confluent images map it, KAFKA_CFG_… as those of Bitnami', async () => {
    expect(await partitionsOf({ env: { KAFKA_NUM_PARTITIONS: '3' } })).toBe(3)
    expect(await partitionsOf({ env: { KAFKA_CFG_NUM_PARTITIONS: '4' } })).toBe(4)
    expect(await partitionsOf({ env: { KAFKA_NUM_PARTITIONS: '' } })).toBe(1)
  })

  it('a wrong value from the environment is refused like one from the command line', async () => {
    const ended = await BrokerProcess.run({ env: { KAFKA_NUM_PARTITIONS: 'many' } })
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/^odradek: [^\n]*many[^\n]*num\.partitions[^\n]*\[1,\.\.\.\][^\n]*\n$/)
  })

  it('--config reads a server.properties', async () => {
    const text =
      '# comment\n! another\nnum.partitions : 6\nbroker.rack=\\\n  r1\nno.such.setting=1\nprocess.roles=broker\n'
    const broker = await BrokerProcess.start({ args: properties(text) })
    const client = await PlainClient.connect(broker.port)
    expect(await client.partitionCount('t', true)).toBe(6)
    await client.close()
    const { stderr } = await broker.end('SIGTERM')
    expect(stderr).toMatch(/settings without an effect here: [^"]*process\.roles/)
    expect(stderr).toContain('settings that nobody knows: no.such.setting')
  })

  it('the command line wins over the environment, that over the file, that over the default', async () => {
    const env = { KAFKA_NUM_PARTITIONS: '4' }
    const file = properties('num.partitions=3\n')
    expect(await partitionsOf({})).toBe(1)
    expect(await partitionsOf({ args: file })).toBe(3)
    expect(await partitionsOf({ args: file, env })).toBe(4)
    expect(await partitionsOf({ args: ['--set', 'num.partitions=5', ...file], env })).toBe(5)
  })

  it('sources are merged: a setting of the file stays when the command line sets another', async () => {
    const args = [...properties('num.partitions=7\n'), '--set', 'broker.rack=r1']
    expect(await partitionsOf({ args, env: { KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'true' } })).toBe(7)
  })

  it('--port and --data win over listeners and log.dirs of the file', async () => {
    const elsewhere = path.join(temporaryFolder(), 'elsewhere')
    const args = properties(`listeners=PLAINTEXT://127.0.0.1:1\nlog.dirs=${elsewhere}\n`)
    const broker = await BrokerProcess.start({ args })
    expect(broker.port).not.toBe(1)
    expect(filesIn(broker.data)).toContain('meta.properties')
    expect(() => filesIn(elsewhere)).toThrow('ENOENT')
  })

  it('a cluster id of the environment is kept when the data is new, and one that differs later only warns', async () => {
    const first = await BrokerProcess.start({ env: { CLUSTER_ID: 'first' } })
    const stored = () => /^cluster\.id=(.*)$/m.exec(readFileSync(path.join(first.data, 'meta.properties'), 'utf8'))?.[1]
    expect(stored()).toBe('first')
    await first.end('SIGTERM')
    const second = await BrokerProcess.start({ data: first.data, env: { CLUSTER_ID: 'second' } })
    const { stderr } = await second.end('SIGTERM')
    expect(stderr).toContain('second')
    expect(stderr).toContain('belongs to first')
    expect(stored()).toBe('first')
  })

  it('several log.dirs: the first is used, and a line says so', async () => {
    const first = path.join(temporaryFolder(), 'first')
    const broker = await BrokerProcess.start({ data: `${first},${first}-2` })
    expect(broker.stdout).toContain(`data in ${first}\n`)
    expect((await broker.end('SIGTERM')).stderr).toContain('log.dirs')
  })

  it('an explicit log.flush.interval.messages says that it replaces the sync before the answer', async () => {
    const broker = await BrokerProcess.start({ args: ['--set', 'log.flush.interval.messages=1000'] })
    expect((await broker.end('SIGTERM')).stderr).toContain('log.flush.interval.messages')
  })
})
