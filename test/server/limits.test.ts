import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { apiVersions } from '../../src/apis/18-api-versions.ts'
import { brokerConfigFrom } from '../../src/config/broker-config.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { limitsOf } from '../../src/server/limits.ts'
import { encodeRequest } from '../support/wire-client.ts'
import { answerEcho, type EchoServer, type EchoServerOptions, echoRequest, startEchoServer } from './echo-server.ts'

let running: EchoServer
async function start(options?: EchoServerOptions): Promise<void> {
  running = await startEchoServer(options)
}
afterEach(() => running.close())

/** Lets sockets and promises go on until something is so. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets sockets and promises go on for a good while, so that what should not happen would have. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A handler that keeps every request until the test lets it go. */
function parked() {
  const resolves: (() => void)[] = []
  const handle: EchoServerOptions['handle'] = (request, { connection }) =>
    new Promise((resolve) => {
      const answer = () => resolve(answerEcho(request))
      resolves.push(answer)
      connection.onClose(answer)
    })
  return { resolves, handle }
}

describe('connections', () => {
  it('above max.connections are accepted and closed', async () => {
    await start({ limits: { maxConnections: 2 } })
    const [first, second] = [await running.connect(), await running.connect()]
    await first.send(ApiVersions, 0, {})
    await second.send(ApiVersions, 0, {})
    const third = await running.connect()
    expect(await third.closed).toBeNull()
    expect(running.log.warnings[0]).toMatchObject({ reason: 'max.connections (2) is reached' })
    await first.close()
    await until(() => running.server.connectionCount === 1)
    expect((await (await running.connect()).send(ApiVersions, 0, {})).errorCode).toBe(ErrorCode.NONE)
  })

  it('above max.connections.per.ip are accepted and closed', async () => {
    await start({ limits: { maxConnectionsPerIp: 1 } })
    const first = await running.connect()
    await first.send(ApiVersions, 0, {})
    expect(await (await running.connect()).closed).toBeNull()
    expect(running.log.warnings[0]).toMatchObject({ reason: 'max.connections.per.ip (1) is reached' })
    await first.close()
    await until(() => running.server.connectionCount === 0)
    await (await running.connect()).send(ApiVersions, 0, {})
  })

  it('follow max.connections.per.ip.overrides', async () => {
    await start({ limits: { maxConnectionsPerIp: 0, maxConnectionsPerIpOverrides: new Map([['127.0.0.1', 1]]) } })
    await (await running.connect()).send(ApiVersions, 0, {})
    expect(await (await running.connect()).closed).toBeNull()
  })

  it('many at once are all served', async () => {
    await start()
    const clients = await Promise.all(Array.from({ length: 200 }, () => running.connect()))
    const answers = await Promise.all(clients.map((client, id) => client.send(SyncGroup, 5, echoRequest(`c${id}`))))
    expect(answers.map(({ assignment }) => assignment.toString())).toEqual(clients.map((_, id) => `c${id}`))
    expect(running.server.connectionCount).toBe(200)
  })
})

describe('connections.max.idle.ms', () => {
  it('closes who says nothing, not who speaks', async () => {
    const clock = new SimulatedClock()
    await start({ clock, limits: { connectionsMaxIdleMs: 8000 } })
    const [idle, active] = [await running.connect(), await running.connect()]
    await idle.send(ApiVersions, 0, {})
    for (let second = 0; second < 12; second += 2) {
      await active.send(ApiVersions, 0, {})
      clock.advance(2000)
    }
    expect(await idle.closed).toBeNull()
    expect((await active.send(ApiVersions, 0, {})).errorCode).toBe(ErrorCode.NONE)
    expect(running.log.warnings).toEqual([])
  })

  it('trap 17: spares a connection whose request is parked', async () => {
    const clock = new SimulatedClock()
    const { resolves, handle } = parked()
    await start({ clock, handle, limits: { connectionsMaxIdleMs: 8000 } })
    const client = await running.connect()
    const answer = client.send(SyncGroup, 3, echoRequest('long poll'))
    await until(() => resolves.length === 1)
    clock.advance(60_000)
    await settle()
    expect(client.hasEnded).toBe(false)
    resolves[0]!()
    expect((await answer).assignment.toString()).toBe('long poll')
    clock.advance(60_000)
    expect(await client.closed).toBeNull()
  })

  it('is off when negative', async () => {
    const clock = new SimulatedClock()
    await start({ clock, limits: { connectionsMaxIdleMs: -1 } })
    const client = await running.connect()
    clock.advance(10 ** 8)
    expect((await client.send(ApiVersions, 0, {})).errorCode).toBe(ErrorCode.NONE)
  })
})

describe('a peer that goes away', () => {
  it('ends what is parked for it', async () => {
    const { resolves, handle } = parked()
    const closed: boolean[] = []
    await start({
      handle: (request, context) => {
        context.connection.onClose(() => closed.push(context.connection.closed))
        return handle!(request, context)
      },
    })
    const client = await running.connect()
    client.post(SyncGroup, 3, echoRequest('x'))
    await until(() => resolves.length === 1)
    await client.close()
    await until(() => closed.length === 1)
    expect(closed).toEqual([true])
    await until(() => running.server.memory.usedBytes === 0 && running.server.connectionCount === 0)
  })

  it('half-open: a peer that only ended its direction gets what is ready and is then closed', async () => {
    const { resolves, handle } = parked()
    await start({
      handle: (request, context) => (request.memberId === 'park' ? handle!(request, context) : answerEcho(request)),
    })
    const client = await running.connect()
    client.sendBytes(
      Buffer.concat([
        encodeRequest(SyncGroup, 3, echoRequest('ready'), 1, null),
        encodeRequest(SyncGroup, 3, echoRequest('x', 'park'), 2, null),
      ]),
    )
    await until(() => resolves.length === 1)
    client.socket.end()
    expect((await client.nextFrame()).readInt32BE(0)).toBe(1)
    expect(await client.closed).toBeNull()
    await until(() => running.server.connectionCount === 0)
  })

  it('ECONNRESET is no news', async () => {
    const { resolves, handle } = parked()
    await start({ handle })
    const socket = connect({ host: '127.0.0.1', port: running.listener.port })
    socket.on('error', () => {})
    socket.write(encodeRequest(SyncGroup, 3, echoRequest('x'), 1, null))
    await until(() => resolves.length === 1)
    socket.resetAndDestroy()
    await until(() => running.server.connectionCount === 0)
    resolves[0]!()
    await settle()
    expect(running.log.warnings).toEqual([])
    expect(running.server.memory.usedBytes).toBe(0)
  })

  it('forgets callbacks that are no longer wanted, and runs late ones at once', async () => {
    const events: string[] = []
    let late: (() => void) | null = null
    await start({
      handle: (_request, { connection }) => {
        const forget = connection.onClose(() => events.push('forgotten'))
        connection.onClose(() => events.push('kept'))
        forget()
        late = () => connection.onClose(() => events.push('late'))
        return 'disconnect'
      },
    })
    const client = await running.connect()
    client.post(SyncGroup, 3, echoRequest('x'))
    await client.closed
    late!()
    expect(events).toEqual(['kept', 'late'])
  })
})

describe('back-pressure', () => {
  const MEGABYTE = 1_048_576

  it('a peer that sends and never reads does not grow memory', async () => {
    let handled = 0
    await start({
      handle: (request) => {
        handled++
        return { throttleTimeMs: 0, errorCode: 0, assignment: Buffer.alloc(100_000, request.generationId) }
      },
      limits: { connectionReplyBytes: MEGABYTE },
    })
    const client = await running.connect()
    client.pause()
    const request = encodeRequest(SyncGroup, 3, echoRequest(''), 1, null)
    // 10,000 requests of 50 bytes ask for a gigabyte.
    client.sendBytes(Buffer.concat(new Array<Buffer>(10_000).fill(request)))
    await settle()
    const stoppedAt = handled
    expect(stoppedAt * 100_000).toBeLessThan(12 * MEGABYTE)
    await settle()
    expect(handled).toBe(stoppedAt)
    client.resume()
    await until(() => client.receivedBytes > 50 * MEGABYTE)
    expect(handled * 100_000).toBeLessThan(client.receivedBytes + 12 * MEGABYTE)
  })

  it('a slow reader gets all of it in the end', async () => {
    await start({ limits: { connectionReplyBytes: 100_000 } })
    const client = await running.connect()
    const payload = Buffer.alloc(60_000, 'x')
    const frames = Array.from({ length: 100 }, (_, id) => encodeRequest(SyncGroup, 3, echoRequest(payload), id, null))
    client.pause()
    client.sendBytes(Buffer.concat(frames))
    await settle()
    client.resume()
    for (let id = 0; id < 100; id++) expect((await client.nextFrame()).readInt32BE(0)).toBe(id)
  })

  it('one slow reader does not stop the others', async () => {
    await start({ limits: { connectionReplyBytes: 100_000 } })
    const slow = await running.connect()
    slow.pause()
    const frame = encodeRequest(SyncGroup, 3, echoRequest(Buffer.alloc(50_000)), 1, null)
    slow.sendBytes(Buffer.concat(new Array<Buffer>(300).fill(frame)))
    const other = await running.connect()
    for (let round = 0; round < 20; round++) {
      expect((await other.send(SyncGroup, 3, echoRequest('quick'))).assignment.toString()).toBe('quick')
    }
  })

  it('one connection has only so many requests in progress', async () => {
    const { resolves, handle } = parked()
    await start({ handle, limits: { connectionRequests: 10 } })
    const client = await running.connect()
    const answers = Array.from({ length: 25 }, (_, id) => client.send(SyncGroup, 3, echoRequest(`${id}`)))
    await until(() => resolves.length === 10)
    await settle()
    expect(resolves).toHaveLength(10)
    for (let answered = 0; answered < 25; answered++) {
      await until(() => resolves.length > answered)
      resolves[answered]!()
    }
    expect((await Promise.all(answers)).map(({ assignment }) => Number(assignment.toString()))).toEqual(
      Array.from({ length: 25 }, (_, id) => id),
    )
  })

  it('one connection has only so many bytes of requests in progress', async () => {
    const { resolves, handle } = parked()
    await start({ handle, limits: { connectionRequestBytes: 100_000 } })
    const client = await running.connect()
    const payload = Buffer.alloc(40_000)
    for (let id = 0; id < 6; id++) client.post(SyncGroup, 3, echoRequest(payload))
    await until(() => resolves.length === 3)
    await settle()
    expect(resolves).toHaveLength(3)
    resolves[0]!()
    await until(() => resolves.length === 4)
  })

  it('an api that is done one at a time waits for its own reply, and what is behind it too', async () => {
    const { resolves, handle } = parked()
    await start({ handle, holdsBack: 'same api' })
    const client = await running.connect()
    const [a, b] = [client.send(SyncGroup, 3, echoRequest('a')), client.send(SyncGroup, 3, echoRequest('b'))]
    const versions = client.send(ApiVersions, 0, {})
    await until(() => resolves.length === 1)
    await settle()
    expect(resolves).toHaveLength(1)
    resolves[0]!()
    expect((await a).assignment.toString()).toBe('a')
    await until(() => resolves.length === 2)
    resolves[1]!()
    expect((await b).assignment.toString()).toBe('b')
    expect((await versions).errorCode).toBe(ErrorCode.NONE)
  })

  it('an api that holds everything back is answered before any other request of its connection begins', async () => {
    const { resolves, handle } = parked()
    const begun: number[] = []
    const handleVersions = () => {
      begun.push(begun.length)
      return 'silent' as const
    }
    const versionsApi = { ...apiVersions(() => []), handle: handleVersions }
    await start({ handle, holdsBack: 'everything', entries: [versionsApi] })
    const client = await running.connect()
    client.post(ApiVersions, 0, {})
    const parkedOne = client.send(SyncGroup, 3, echoRequest('a'))
    client.post(ApiVersions, 0, {})
    await until(() => resolves.length === 1)
    const other = await running.connect()
    other.post(ApiVersions, 0, {})
    await until(() => begun.length === 2)
    await settle()
    expect(begun).toHaveLength(2)
    resolves[0]!()
    expect((await parkedOne).assignment.toString()).toBe('a')
    await until(() => begun.length === 3)
  })
})

describe('settings', () => {
  const limitsFrom = (texts: Record<string, string>) => limitsOf(brokerConfigFrom(new Map(Object.entries(texts))))

  it('are those of Kafka', () => {
    const limits = limitsFrom({
      'socket.request.max.bytes': '1000',
      'max.connections': '5',
      'max.connections.per.ip': '3',
      'max.connections.per.ip.overrides': '10.0.0.1:7, ::1:0',
      'connections.max.idle.ms': '8000',
      'queued.max.request.bytes': '5000000',
    })
    expect(limits).toEqual({
      maxRequestBytes: 1000,
      maxConnections: 5,
      maxConnectionsPerIp: 3,
      maxConnectionsPerIpOverrides: new Map([
        ['10.0.0.1', 7],
        ['::1', 0],
      ]),
      connectionsMaxIdleMs: 8000,
      requestMemoryBytes: 5_000_000,
    })
  })

  it('the backlog is larger than in Kafka unless it is set', () => {
    expect(limitsFrom({}).backlog).toBeUndefined()
    expect(limitsFrom({ 'socket.listen.backlog.size': '50' }).backlog).toBe(50)
  })

  it.each(['10.0.0.1', '10.0.0.1:x', ':5', '10.0.0.1:-1'])('refuse the override %j', (text) => {
    expect(() => limitsFrom({ 'max.connections.per.ip.overrides': text })).toThrow('max.connections.per.ip.overrides')
  })
})

describe('request memory', () => {
  it('is shared: large requests wait for each other, small ones go on', async () => {
    const { resolves, handle } = parked()
    await start({
      handle: (request, context) => (request.memberId === 'small' ? answerEcho(request) : handle!(request, context)),
      limits: { requestMemoryBytes: 1_000_000 },
    })
    const clients = await Promise.all(Array.from({ length: 5 }, () => running.connect()))
    const payload = Buffer.alloc(900_000, 'p')
    const answers = clients.map((client) => client.send(SyncGroup, 3, echoRequest(payload)))
    // One within the limit, one that overdraws it.
    await until(() => resolves.length === 2)
    await settle()
    expect(resolves).toHaveLength(2)
    expect(running.server.memory.usedBytes).toBeLessThan(2_000_000)
    const small = await running.connect()
    expect((await small.send(SyncGroup, 3, echoRequest('s', 'small'))).assignment.toString()).toBe('s')
    for (let answered = 0; answered < 5; answered++) {
      await until(() => resolves.length > answered)
      resolves[answered]!()
    }
    for (const { assignment } of await Promise.all(answers)) expect(assignment.equals(payload)).toBe(true)
    expect(running.server.memory.usedBytes).toBe(0)
  })

  it('a legal request larger than all of it is admitted alone', async () => {
    await start({ limits: { requestMemoryBytes: 1000 } })
    const client = await running.connect()
    const payload = Buffer.alloc(5_000_000, 'h')
    expect((await client.send(SyncGroup, 3, echoRequest(payload))).assignment.equals(payload)).toBe(true)
    expect(running.server.memory.usedBytes).toBe(0)
  })

  it('is given back by connections that break in the middle of a frame', async () => {
    await start({ limits: { requestMemoryBytes: 1_000_000 } })
    const frame = encodeRequest(SyncGroup, 3, echoRequest(Buffer.alloc(800_000)), 1, null)
    for (let round = 0; round < 5; round++) {
      const client = await running.connect()
      client.sendBytes(frame.subarray(0, 400_000))
      await until(() => running.server.memory.usedBytes > 0)
      await client.close()
      await until(() => running.server.memory.usedBytes === 0)
    }
  })

  it('is taken from a peer that stops in the middle of a frame while others wait', async () => {
    const clock = new SimulatedClock()
    await start({ clock, limits: { requestMemoryBytes: 1_000_000 } })
    const payload = Buffer.alloc(800_000, 'w')
    const half = encodeRequest(SyncGroup, 3, echoRequest(payload), 1, null).subarray(0, 400_000)
    const stalled = [await running.connect(), await running.connect()]
    for (const client of stalled) client.sendBytes(half)
    await until(() => running.server.memory.usedBytes > 1_600_000)
    const waiting = await running.connect()
    const answer = waiting.send(SyncGroup, 3, echoRequest(payload))
    await until(() => running.server.memory.hasWaiting)
    clock.advance(20_000)
    expect((await answer).assignment.equals(payload)).toBe(true)
    await Promise.all(stalled.map(({ closed }) => closed))
    expect(running.log.warnings.map(({ reason }) => reason)).toEqual(
      new Array(2).fill('a request stopped half-way while others wait for memory'),
    )
  })
})
