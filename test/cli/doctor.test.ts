import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Diagnosis } from '../../src/cli/doctor/diagnosis.ts'
import { describeDiagnosis } from '../../src/cli/doctor/doctor.ts'
import { Examination } from '../../src/cli/doctor/examination.ts'
import type { Address } from '../../src/client/address.ts'
import { startBroker } from '../../src/index.ts'
import { nodeClock } from '../../src/io/node-clock.ts'
import { nodeDialer } from '../../src/io/node-dial.ts'
import type { StartOptions } from '../../src/testing/start-options.ts'
import type { TestBroker } from '../../src/testing/test-broker.ts'

const open: (TestBroker | Server)[] = []

afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function start(options: StartOptions = {}): Promise<TestBroker> {
  const broker = await startBroker(options)
  open.push(broker)
  return broker
}

/** Does with a connection whatever a test wants; gives its port. */
function serve(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onSocket(socket)
  })
  open.push(server)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}

/** A world in which names have these addresses, and `host:port` leads to these ports of this machine. */
interface World {
  readonly names?: Readonly<Record<string, string>>
  readonly ports?: Readonly<Record<string, number>>
  readonly tls?: boolean
}

function examine({ host, port }: Address, { names = {}, ports = {}, tls = false }: World = {}): Promise<Diagnosis> {
  return new Examination(
    { host, port },
    {
      clock: nodeClock,
      timeoutMs: 300,
      speaksTls: async () => tls,
      resolver: {
        lookup: async (name) => {
          if (/^[\d.]+$/.test(name)) return [name]
          if (Object.hasOwn(names, name)) return [names[name]!]
          throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' })
        },
      },
      dialer: { dial: (name, at, signal) => nodeDialer.dial('127.0.0.1', ports[`${name}:${at}`] ?? at, signal) },
    },
  ).run()
}

function portOf(broker: TestBroker): number {
  return broker.listeners[0]!.port
}

function advertising(address: string): StartOptions {
  return { config: { 'advertised.listeners': `PLAINTEXT://${address}` } }
}

/** The steps that failed, as a person reads them. */
function wrong({ checks, ok }: Diagnosis): string[] {
  const texts = checks.filter((check) => !check.ok).map(({ step, text }) => `${step}: ${text}`)
  expect(ok).toBe(texts.length === 0)
  return texts
}

describe('odradek doctor', () => {
  it('finds nothing wrong with a cluster, and says where clients go on', async () => {
    const broker = await start({ brokers: 3, topics: ['orders'] })
    const diagnosis = await examine({ host: '127.0.0.1', port: portOf(broker) })
    expect(wrong(diagnosis)).toEqual([])
    expect(diagnosis.advice).toEqual([])
    expect(diagnosis.checks.map(({ step, brokerId }) => [step, brokerId])).toEqual([
      ['name', undefined],
      ['connection', undefined],
      ['protocol', undefined],
      ['cluster', undefined],
      ['broker', 1],
      ['broker', 2],
      ['broker', 3],
      ['topics', undefined],
    ])
    expect(describeDiagnosis(diagnosis)).toMatch(
      /^127\.0\.0\.1:\d+\n( {2}ok .*\n){8}\nA client on this machine can use/,
    )
  })

  it('an advertised name that nobody knows', async () => {
    const broker = await start(advertising('kafka:9092'))
    const diagnosis = await examine({ host: 'localhost', port: portOf(broker) }, { names: { localhost: '127.0.0.1' } })
    expect(wrong(diagnosis)).toEqual(['broker: advertises kafka:9092, and nobody here knows the host kafka'])
    expect(diagnosis.advice[0]).toContain(`KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:${portOf(broker)} `)
  })

  it.each([true, false])(
    'localhost advertised to a client elsewhere (something listens there: %s)',
    async (listens) => {
      const broker = await start(advertising('localhost:9092'))
      const port = portOf(broker)
      const diagnosis = await examine(
        { host: 'server.example', port },
        {
          names: { 'server.example': '192.0.2.7', localhost: '127.0.0.1' },
          ports: { 'localhost:9092': listens ? port : 1 },
        },
      )
      expect(wrong(diagnosis)).toEqual([
        expect.stringMatching(
          /^broker: advertises localhost:9092(?: to clients on other machines|, which leads to it from this machine alone)/,
        ),
      ])
      expect(diagnosis.advice[0]).toContain(`PLAINTEXT://server.example:${port} `)
    },
  )

  it('an advertised port that is closed', async () => {
    const broker = await start(advertising('127.0.0.1:1'))
    const diagnosis = await examine({ host: '127.0.0.1', port: portOf(broker) })
    expect(wrong(diagnosis)).toEqual([
      expect.stringMatching(/^broker: advertises 127\.0\.0\.1:1: .*nothing listens there/),
    ])
  })

  it('another cluster at the advertised address', async () => {
    const other = await start()
    const broker = await start(advertising(`127.0.0.1:${portOf(other)}`))
    const diagnosis = await examine({ host: '127.0.0.1', port: portOf(broker) })
    expect(wrong(diagnosis)).toEqual([expect.stringContaining('another cluster answers')])
  })

  it('another broker of the cluster at the advertised address, as behind a balancer', async () => {
    const broker = await start({ brokers: 2 })
    const [first, second] = broker.brokers.map(({ address }) => address)
    const diagnosis = await examine(
      { host: '127.0.0.1', port: portOf(broker) },
      { ports: { [second!]: Number(first!.split(':')[1]) } },
    )
    expect(wrong(diagnosis)).toEqual([expect.stringMatching(/another broker of the cluster answers/)])
  })

  it('partitions without a leader', async () => {
    const broker = await start({ brokers: 2, topics: [{ name: 't', partitions: 2, replicationFactor: 1 }] })
    await broker.killBroker(2)
    const diagnosis = await examine({ host: '127.0.0.1', port: portOf(broker) })
    expect(wrong(diagnosis)).toContainEqual('topics: 1 topic, 2 partitions, 1 without a leader')
  })

  it('a proxy that leads to the same broker is fine', async () => {
    const broker = await start()
    const port = portOf(broker)
    const diagnosis = await examine(
      { host: 'proxy', port: 19092 },
      { names: { proxy: '127.0.0.1' }, ports: { 'proxy:19092': port } },
    )
    expect(wrong(diagnosis)).toEqual([])
    expect(diagnosis.checks.find(({ step }) => step === 'broker')!.text).toContain('where clients go on from here')
  })

  it('a name that nobody knows', async () => {
    const diagnosis = await examine({ host: 'kafka', port: 9092 })
    expect(wrong(diagnosis)).toEqual(['name: kafka cannot be resolved (ENOTFOUND)'])
    expect(diagnosis.advice[0]).toContain('Names of containers')
  })

  it('a port where nothing listens', async () => {
    const diagnosis = await examine({ host: '127.0.0.1', port: 1 })
    expect(wrong(diagnosis)).toEqual([expect.stringContaining('nothing listens there')])
    expect(diagnosis.advice[0]).toContain('docker run -p 1:1')
  })

  it.each([
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'the answer is HTTP', 'HTTP server'],
    ['TLS', Buffer.from('15030300020246', 'hex'), 'it speaks TLS', 'security.protocol=SSL'],
    ['an SSH server', 'SSH-2.0-OpenSSH\r\n', 'the answer is SSH', 'does not speak Kafka'],
    ['nobody behind a published port', null, 'does not speak Kafka', 'Behind a published port of Docker'],
  ])('%s', async (_what, bytes, text, advice) => {
    const port = await serve((socket) => socket.once('data', () => (bytes === null ? socket.end() : socket.end(bytes))))
    const diagnosis = await examine({ host: '127.0.0.1', port })
    expect(wrong(diagnosis)).toEqual([expect.stringContaining(text)])
    expect(diagnosis.advice.join()).toContain(advice)
  })

  it('a TLS listener that says nothing to plaintext', async () => {
    const port = await serve((socket) => socket.once('data', () => socket.destroy()))
    const diagnosis = await examine({ host: '127.0.0.1', port }, { tls: true })
    expect(wrong(diagnosis)).toEqual(['protocol: it speaks TLS, and was spoken to in plaintext'])
  })

  it('something that accepts and never answers', async () => {
    const port = await serve(() => {})
    const diagnosis = await examine({ host: '127.0.0.1', port })
    expect(wrong(diagnosis)).toEqual([expect.stringContaining('no answer to ApiVersions within')])
  })
})
