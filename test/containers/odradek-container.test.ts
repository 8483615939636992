import { describe, expect, it } from 'vitest'
import { environmentVariable } from '../../src/containers/container-listeners.ts'
import { OdradekContainer } from '../../src/containers/testcontainers.ts'

/** What is about to be given to the engine. */
class Inspected extends OdradekContainer {
  async prepared() {
    await this.beforeContainerCreated()
    const { Image, Cmd, Entrypoint, ExposedPorts } = this.createOpts
    return {
      image: Image,
      command: Cmd,
      entrypoint: Entrypoint,
      exposed: Object.keys(ExposedPorts ?? {}).sort(),
      environment: this.environment,
      copied: this.contentsToCopy,
      bindings: this.hostConfig.PortBindings as Record<string, { HostPort: string }[]>,
    }
  }
}

describe('an OdradekContainer', () => {
  it('waits at its start for the address, and offers clients and HTTP a port of the engine’s choice', async () => {
    const { image, command, entrypoint, exposed, environment, bindings } = await new Inspected().prepared()
    expect(image).toBe('odradek:latest')
    expect(command).toEqual(['/etc/kafka/docker/run'])
    expect(entrypoint?.slice(0, 2)).toEqual(['sh', '-c'])
    expect(exposed).toEqual(['9092/tcp', '9644/tcp'])
    expect(bindings).toEqual({ '9092/tcp': [{ HostPort: '0' }], '9644/tcp': [{ HostPort: '0' }] })
    expect(environment).toEqual({
      KAFKA_LISTENERS: 'PLAINTEXT://0.0.0.0:9092',
      KAFKA_ODRADEK_HTTP_LISTENER: '0.0.0.0:9644',
    })
  })

  it('has the image that is named', async () => {
    expect((await new Inspected('registry.test/odradek:1.2.3').prepared()).image).toBe('registry.test/odradek:1.2.3')
  })

  it('keeps a port that somebody has chosen for clients', async () => {
    const container = new Inspected().withExposedPorts({ container: 9092, host: 29_092 })
    expect((await container.prepared()).bindings['9092/tcp']).toEqual([{ HostPort: '29092' }])
  })

  it('gives several brokers ports in a row, other ones each time', async () => {
    const container = new Inspected().withBrokers(3)
    const ports = async () => {
      const { bindings } = await container.prepared()
      return [9092, 9093, 9094].map((port) => Number(bindings[`${port}/tcp`]?.[0]?.HostPort))
    }
    const tries: number[][] = []
    for (let attempt = 0; attempt < 20; attempt++) tries.push(await ports())
    for (const [first, second, third] of tries) {
      expect(first).toBeGreaterThanOrEqual(20_000)
      expect([second, third]).toEqual([first! + 1, first! + 2])
      expect(third).toBeLessThan(32_768)
    }
    expect(new Set(tries.map(([first]) => first)).size).toBeGreaterThan(1)
    expect((await container.prepared()).environment['KAFKA_ODRADEK_VIRTUAL_BROKERS']).toBe('3')
  })

  it.each([0, 65, 1.5, Number.NaN])('refuses %s brokers', (count) => {
    expect(() => new OdradekContainer().withBrokers(count)).toThrow(/from 1 to 64/)
  })

  it('has a second listener for the network in which it has a name', async () => {
    const { environment } = await new Inspected().withNetworkMode('shop').withNetworkAliases('broker').prepared()
    expect(environment).toMatchObject({
      KAFKA_LISTENERS: 'PLAINTEXT://0.0.0.0:9092,NETWORK://0.0.0.0:19092',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,NETWORK:PLAINTEXT',
    })
  })

  it('needs no mapped ports and no gate in the network of the host', async () => {
    const { entrypoint, exposed, environment } = await new Inspected().withNetworkMode('host').prepared()
    expect({ entrypoint, exposed }).toEqual({ entrypoint: undefined, exposed: [] })
    expect(environment).toEqual({ KAFKA_ODRADEK_HTTP_LISTENER: '0.0.0.0:9644' })
  })

  it('brings its topics in a file, one partition each unless more are asked for', async () => {
    const invoices = {
      name: 'invoices',
      partitions: 3,
      config: { 'cleanup.policy': 'compact,delete', 'retention.ms': 5 },
    }
    const { copied, environment } = await new Inspected().withTopics('orders').withTopics(invoices).prepared()
    expect(copied).toHaveLength(1)
    expect(environment['KAFKA_ODRADEK_TOPICS_FILE']).toBe(copied[0]!.target)
    expect(JSON.parse(String(copied[0]!.content))).toEqual([
      { name: 'orders', partitions: 1, configs: {} },
      { name: 'invoices', partitions: 3, configs: { 'cleanup.policy': 'compact,delete', 'retention.ms': '5' } },
    ])
  })

  it('takes settings by Kafka’s names', async () => {
    const container = new Inspected().withConfig({ 'num.partitions': 3, 'auto.create.topics.enable': false })
    expect((await container.prepared()).environment).toMatchObject({
      KAFKA_NUM_PARTITIONS: '3',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    })
  })

  it.each([
    ['a.b', 'KAFKA_A_B'],
    ['a_b', 'KAFKA_A__B'],
    ['a-b.c', 'KAFKA_A___B_C'],
  ])('gives the setting %s as %s', (setting, variable) => {
    expect(environmentVariable(setting)).toBe(variable)
  })
})
