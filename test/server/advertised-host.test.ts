import { afterEach, describe, expect, it } from 'vitest'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { loadBrokerConfig } from '../../src/config/broker-config.ts'
import type { Origin } from '../../src/io/network-surroundings.ts'
import { nodeClock } from '../../src/io/node-clock.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { SimulatedNetwork } from '../../src/io/simulated-transport.ts'
import { simulatedWork } from '../../src/io/simulated-work.ts'
import { endOfTurn } from '../../src/io/turn.ts'
import { Odradek } from '../../src/server/odradek.ts'
import { captureLog, type LogCapture } from '../support/log-capture.ts'
import { WireClient } from '../support/wire-client.ts'

const PORT = 9092
const WARN = 40
const ALL_TOPICS = {
  topics: null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

let network: SimulatedNetwork
let log: LogCapture
let running: Odradek | null = null

afterEach(async () => {
  await running?.close()
  running = null
})

async function start(settings: Record<string, string> = {}, origins: Record<string, Origin> = {}): Promise<void> {
  const random = new SimulatedRandom(1)
  const surroundings = { originOf: (address: string) => origins[address] ?? 'near' }
  network = new SimulatedNetwork(nodeClock, random, { maxDelayMs: 0, surroundings })
  log = captureLog()
  const own = { listeners: `PLAINTEXT://:${PORT}`, 'log.dirs': '/data', ...settings }
  const { config } = loadBrokerConfig({ commandLine: new Map(Object.entries(own)) })
  const io = {
    ...{ random, endOfTurn, transport: network, clock: nodeClock, processes: null, logger: log.logger },
    fileSystem: new SimulatedFileSystem({ crashable: false, nowMs: () => nodeClock.nowMs() }),
    work: simulatedWork(),
  }
  running = await Odradek.start(io, { config, clusterId: null })
}

/** Where a client that came from one address to another is sent, as every answer says that names a broker. */
async function told(from: string, to: string, port = PORT): Promise<string> {
  const client = new WireClient(network.connect(port, from, to), null)
  const { brokers } = await client.send(Metadata, 12, ALL_TOPICS)
  const cluster = await client.send(DescribeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType: 1 })
  const { coordinators } = await client.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] })
  await client.close()
  const answers = [...brokers, ...cluster.brokers, ...coordinators].map(({ host, port }) => `${host}:${port}`)
  expect(new Set(answers).size, answers.join(' ')).toBe(1)
  return answers[0]!
}

function linesAbout(text: string) {
  return log.lines.filter(({ msg }) => msg.includes(text))
}

describe('a listener without an advertised host', () => {
  it.each([
    ['of the same machine', '127.0.0.1', '127.0.0.1', 'localhost'],
    ['of the same machine by IPv6', '::1', '::1', 'localhost'],
    ['of the same machine by its outer address', '192.168.1.5', '192.168.1.5', '192.168.1.5'],
    ['of the local network', '192.168.1.7', '192.168.1.5', '192.168.1.5'],
    ['by IPv6', 'fd00::7', 'fd00::5', 'fd00::5'],
    ['in another container', '172.17.0.3', '172.17.0.2', '172.17.0.2'],
    ['through a published port', '172.17.0.1', '172.17.0.2', 'localhost'],
  ])('tells a client %s, from %s at %s, to connect to %s', async (_who, from, to, host) => {
    await start({}, { '172.17.0.1': 'gateway' })
    expect(await told(from, to)).toBe(`${host}:${PORT}`)
  })

  it('tells each client its own', async () => {
    await start()
    const all = await Promise.all([
      told('10.0.0.7', '10.0.0.5'),
      told('127.0.0.1', '127.0.0.1'),
      told('10.1.0.7', '10.1.0.5'),
    ])
    expect(all).toEqual(['10.0.0.5:9092', 'localhost:9092', '10.1.0.5:9092'])
  })

  it('keeps a port that is advertised without a host', async () => {
    await start({ 'advertised.listeners': 'PLAINTEXT://:19092,' })
    expect(await told('192.168.1.7', '192.168.1.5')).toBe('192.168.1.5:19092')
  })

  it('says in the log who came how and is told what, once for each way', async () => {
    await start()
    await told('192.168.1.7', '192.168.1.5')
    await told('192.168.1.8', '192.168.1.5')
    await told('127.0.0.1', '127.0.0.1')
    expect(linesAbout('told to connect').map(({ msg }) => msg)).toEqual([
      'a client from 192.168.1.7 has reached listener PLAINTEXT at 192.168.1.5; clients that come this way are told to connect to 192.168.1.5:9092',
    ])
  })

  it('warns of a client that cannot reach the address of a container, and says what to set', async () => {
    await start({}, { '192.168.1.7': 'far' })
    expect(await told('192.168.1.7', '172.17.0.2')).toBe('172.17.0.2:9092')
    const [line] = linesAbout('outside this container')
    expect(line?.level).toBe(WARN)
    expect(line?.msg).toContain('set KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://HOST:9092')
  })

  it('does not fill the log when every client comes another way', async () => {
    await start()
    for (let host = 1; host <= 60; host++) await told('10.0.0.1', `10.0.1.${host}`)
    expect(linesAbout('told to connect')).toHaveLength(50)
  })
})

describe('an advertised host', () => {
  it('wins, wherever the client comes from', async () => {
    await start({ 'advertised.listeners': 'PLAINTEXT://broker.lan:9094' }, { '172.17.0.1': 'gateway' })
    for (const from of ['127.0.0.1', '172.17.0.1', '192.168.1.7']) {
      expect(await told(from, '172.17.0.2')).toBe('broker.lan:9094')
    }
    expect(linesAbout('broker.lan:9094, as advertised.listeners says')).not.toEqual([])
  })

  it('of one listener leaves the other to where its clients come from', async () => {
    await start({
      listeners: 'INSIDE://:9092,OUTSIDE://:9094',
      'listener.security.protocol.map': 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT',
      'inter.broker.listener.name': 'INSIDE',
      'advertised.listeners': 'INSIDE://:9092,OUTSIDE://kafka.example.org:443',
    })
    expect(await told('172.17.0.3', '172.17.0.2', 9092)).toBe('172.17.0.2:9092')
    expect(await told('172.17.0.3', '172.17.0.2', 9094)).toBe('kafka.example.org:443')
  })

  it('is the host of a listener that is bound to one', async () => {
    await start({ listeners: 'PLAINTEXT://10.0.0.5:9092' })
    expect(await told('172.17.0.3', '172.17.0.2')).toBe('10.0.0.5:9092')
  })
})
