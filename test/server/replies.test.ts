import { afterEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { SyncGroup, type SyncGroupResponse } from '../../protocol/messages/14-sync-group.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { type ApiEntry, apiEntry } from '../../src/apis/api-entry.ts'
import { decodeReply, encodeRequest, type WireClient } from '../support/wire-client.ts'
import { answerEcho, type EchoServer, type EchoServerOptions, echoRequest, startEchoServer } from './echo-server.ts'

let running: EchoServer
let client: WireClient
async function start(options?: EchoServerOptions): Promise<void> {
  running = await startEchoServer(options)
  client = await running.connect()
}
afterEach(() => running.close())

/** Handlers that wait until the test lets them go on, by the text they were sent. */
function gates() {
  const waiting = new Map<string, () => void>()
  const arrived: string[] = []
  return {
    arrived,
    wait: (name: string) =>
      new Promise<void>((resolve) => {
        arrived.push(name)
        waiting.set(name, resolve)
      }),
    open: (name: string) => waiting.get(name)!(),
    async until(count: number) {
      while (arrived.length < count) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

const textOf = (request: { assignments: { assignment: Buffer }[] }) => request.assignments[0]!.assignment.toString()

describe('replies', () => {
  it('trap 11: replies leave in request order whatever the order in which handlers finish', async () => {
    const { wait, open, until } = gates()
    await start({
      handle: async (request) => {
        await wait(textOf(request))
        return answerEcho(request)
      },
    })
    const names = ['a', 'b', 'c', 'd']
    const answers = names.map((name) => client.send(SyncGroup, 3, echoRequest(name)))
    await until(4)
    for (const name of ['d', 'b', 'a', 'c']) open(name)
    expect((await Promise.all(answers)).map(({ assignment }) => assignment.toString())).toEqual(names)
  })

  it('processes ahead of a parked request and answers after it', async () => {
    const { wait, open, until } = gates()
    await start({ handle: (request) => wait('parked').then(() => answerEcho(request)) })
    const parked = client.send(SyncGroup, 0, echoRequest('x'))
    const behind = client.send(ApiVersions, 0, {})
    await until(1)
    expect(client.receivedBytes).toBe(0)
    open('parked')
    expect((await parked).assignment.toString()).toBe('x')
    expect((await behind).errorCode).toBe(ErrorCode.NONE)
  })

  it('handlers begin in the order in which requests arrived', async () => {
    const order: string[] = []
    await start({
      handle: async (request) => {
        order.push(textOf(request))
        return answerEcho(request)
      },
    })
    const names = Array.from({ length: 100 }, (_, index) => `r${index}`)
    await Promise.all(names.map((name) => client.send(SyncGroup, 4, echoRequest(name))))
    expect(order).toEqual(names)
  })

  it('everything that arrived in one read is answered in one write', async () => {
    await start()
    client.recording = true
    const requests = Array.from({ length: 32 }, (_, id) => encodeRequest(SyncGroup, 3, echoRequest('ping'), id, null))
    client.sendBytes(Buffer.concat(requests))
    for (let id = 0; id < 32; id++) {
      expect(decodeReply(SyncGroup, 3, await client.nextFrame(), id).assignment.toString()).toBe('ping')
    }
    expect(client.chunks).toHaveLength(1)
  })

  it('replies that become ready together are joined too', async () => {
    const { wait, open, until } = gates()
    await start({ handle: (request) => wait(textOf(request)).then(() => answerEcho(request)) })
    client.recording = true
    const answers = ['a', 'b', 'c'].map((name) => client.send(SyncGroup, 3, echoRequest(name)))
    await until(3)
    for (const name of ['a', 'b', 'c']) open(name)
    await Promise.all(answers)
    expect(client.chunks).toHaveLength(1)
  })

  it('correlation ids are echoed as they are, negative and repeated', async () => {
    await start()
    for (const id of [-1, 7, 7, -(2 ** 31), 2 ** 31 - 1]) {
      client.sendBytes(encodeRequest(SyncGroup, 5, echoRequest('id'), id, 'c'))
      expect(decodeReply(SyncGroup, 5, await client.nextFrame(), id).errorCode).toBe(ErrorCode.NONE)
    }
  })

  it('trap 12: a silent answer sends no bytes and does not shift the ones after it', async () => {
    await start({ handle: (request) => (textOf(request) === 'hush' ? 'silent' : answerEcho(request)) })
    client.post(SyncGroup, 3, echoRequest('hush'))
    client.post(SyncGroup, 3, echoRequest('hush'))
    expect((await client.send(SyncGroup, 3, echoRequest('loud'))).assignment.toString()).toBe('loud')
  })

  it('trap 13: a handler that says disconnect ends the connection after the replies before it', async () => {
    const { wait, open, until } = gates()
    const begun: string[] = []
    await start({
      handle: async (request) => {
        begun.push(textOf(request))
        if (textOf(request) === 'bad') return 'disconnect'
        await wait(textOf(request))
        return answerEcho(request)
      },
    })
    const before = client.send(SyncGroup, 3, echoRequest('before'))
    client.post(SyncGroup, 3, echoRequest('bad'))
    const after = client.send(SyncGroup, 3, echoRequest('after'))
    after.catch(() => {})
    await until(2)
    open('before')
    expect((await before).assignment.toString()).toBe('before')
    await expect(after).rejects.toThrow()
    expect(await client.closed).toBeNull()
  })
})

describe('a handler that fails', () => {
  const failures: [string, () => SyncGroupResponse | Promise<SyncGroupResponse>][] = [
    [
      'throws',
      () => {
        throw new TypeError('bug')
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('bug'))],
    ['gives what cannot be encoded', () => ({ throttleTimeMs: 0, errorCode: 2 ** 20, assignment: Buffer.alloc(3) })],
  ]
  it.each(failures)('that %s is answered UNKNOWN_SERVER_ERROR and logged with its stack', async (_name, handle) => {
    await start({ handle: (request) => (textOf(request) === 'good' ? answerEcho(request) : handle()) })
    const answers = ['good', 'bad', 'good'].map((name) => client.send(SyncGroup, 5, echoRequest(name)))
    expect((await Promise.all(answers)).map(({ errorCode }) => errorCode)).toEqual([0, -1, 0])
    const [line] = running.log.warnings
    expect(line).toMatchObject({ msg: 'SyncGroup failed', api: 'SyncGroup', version: 5 })
    expect((line!['err'] as { stack: string }).stack).toContain('Error')
  })

  it('whose failure cannot be told either only loses its connection', async () => {
    await start({
      handle: () => Promise.reject(new Error('first')),
      fail: () => {
        throw new Error('second')
      },
    })
    const other = await running.connect()
    await expect(client.send(SyncGroup, 5, echoRequest('x'))).rejects.toThrow()
    await client.closed
    expect((await other.send(ApiVersions, 0, {})).errorCode).toBe(ErrorCode.NONE)
    expect(running.log.warnings.map(({ msg }) => msg)).toEqual([
      'SyncGroup failed',
      'closing a connection after an internal failure',
    ])
  })

  it('trap 12: without a response to give it disconnects', async () => {
    const produce = apiEntry(Produce, {
      handle: () => Promise.reject(new Error('disk on fire')),
      fail: ({ acks }) => (acks === 0 ? 'disconnect' : { responses: [] }),
    })
    await start({ entries: [produce as ApiEntry] })
    client.post(Produce, 9, { acks: 0, timeoutMs: 1, topicData: [] })
    expect(await client.closed).toBeNull()
    expect(client.receivedBytes).toBe(0)
  })
})

describe('release', () => {
  it('runs once per response, when it is written, cannot be encoded, or has no reader any more', async () => {
    const { wait, open, until } = gates()
    const released: string[] = []
    await start({
      handle: async (request) => {
        const name = textOf(request)
        if (name === 'late') await wait(name)
        const errorCode = name === 'broken' ? 2 ** 20 : 0
        return { throttleTimeMs: 0, errorCode, assignment: Buffer.from(name) }
      },
      release: ({ assignment }) => released.push(assignment.toString()),
    })
    await client.send(SyncGroup, 3, echoRequest('written'))
    await client.send(SyncGroup, 3, echoRequest('broken'))
    client.post(SyncGroup, 3, echoRequest('late'))
    await until(1)
    await client.close()
    while (running.server.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve))
    open('late')
    await new Promise((resolve) => setImmediate(resolve))
    // The answer to the failure passes through release as well.
    expect(released).toEqual(['written', 'broken', '', 'late'])
  })
})
