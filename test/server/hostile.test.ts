import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { type ApiEntry, apiEntry } from '../../src/apis/api-entry.ts'
import { decodeReply, encodeRequest, type WireClient } from '../support/wire-client.ts'
import { type EchoServer, echoRequest, startEchoServer } from './echo-server.ts'

const produce = apiEntry(Produce, {
  handle: () => ({ responses: [] }),
  fail: () => ({ responses: [] }),
  advertisedMin: 0,
})
const fetch = apiEntry(Fetch, {
  handle: () => ({ throttleTimeMs: 0, errorCode: 0, sessionId: 0, responses: [] }),
  fail: () => ({ throttleTimeMs: 0, errorCode: -1, sessionId: 0, responses: [] }),
})

let running: EchoServer
let client: WireClient
beforeEach(async () => {
  running = await startEchoServer({ entries: [produce, fetch] as readonly ApiEntry[] })
  client = await running.connect()
})
afterEach(() => running.close())

async function expectClosed(reason: RegExp, fields: object = {}): Promise<void> {
  expect(await client.closed).toBeNull()
  expect(client.receivedBytes).toBe(0)
  expect(running.log.warnings).toHaveLength(1)
  expect(running.log.warnings[0]).toMatchObject({
    msg: 'closing a connection',
    peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    reason: expect.stringMatching(reason),
    ...fields,
  })
  const other = await running.connect()
  expect((await other.send(ApiVersions, 0, {})).errorCode).toBe(ErrorCode.NONE)
}

/** A frame with a request header of version 1 and a body of zeros. */
function frameOf(apiKey: number, version: number, bodyBytes = 100): Buffer {
  const frame = Buffer.alloc(10 + bodyBytes)
  frame.writeInt16BE(apiKey, 0)
  frame.writeInt16BE(version, 2)
  frame.writeInt16BE(-1, 8)
  return frame
}

describe('what is no request', () => {
  it.each([
    ['an HTTP request', 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['an HTTP request', 'POST / HTTP/1.1\r\n\r\n'],
    ['an HTTP request', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an SSH client', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a PROXY protocol header', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n'],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('trap 16: %s on the port is closed and named in the log', async (name, opening) => {
    client.sendBytes(Buffer.from(opening, 'latin1'))
    await expectClosed(new RegExp(`looks like ${name}`))
  })

  it.each([-1, 0, 1, 7, 104_857_601, 2 ** 31 - 1, -(2 ** 31)])(
    'trap 16: a frame of %i bytes is closed',
    async (bytes) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(bytes)
      client.sendBytes(size)
      await expectClosed(/^a frame of -?\d+ bytes/)
      expect(running.server.memory.usedBytes).toBe(0)
    },
  )

  it('trap 14: an unknown api key is closed', async () => {
    client.sendFrame(frameOf(200, 0))
    await expectClosed(/unknown API key 200/, { api: 200, version: 0 })
  })

  it('trap 14: an api that is not in the table is as good as unknown', async () => {
    client.post(Metadata, 1, { topics: null })
    await expectClosed(/unknown API key 3/, { api: 3, version: 1 })
  })

  it.each([
    [SyncGroup.key, 6],
    [SyncGroup.key, -1],
    [Fetch.key, 3],
    [Fetch.key, 19],
    [Produce.key, 14],
  ])('trap 14: key %i in version %i is closed without a body', async (key, version) => {
    client.sendFrame(frameOf(key, version))
    await expectClosed(/not supported/, { version })
  })

  it.each([0, 1, 2])('trap 3: Produce version %i is advertised and closed all the same', async (version) => {
    const { apiKeys } = await (await running.connect()).send(ApiVersions, 0, {})
    expect(apiKeys[0]!.minVersion).toBeLessThanOrEqual(version)
    client.sendFrame(frameOf(Produce.key, version))
    await expectClosed(/Produce version \d is not supported/, { api: 'Produce', version })
  })

  it('a known tag in a version without it is closed', async () => {
    const frame = encodeRequest(
      Fetch,
      12,
      {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] }],
        forgottenTopicsData: [],
        rackId: '',
      },
      1,
      null,
    )
    // The request's last byte is its empty tagged section: put tag 1 (a replica state, version 15 and later) there.
    const tagged = Buffer.concat([frame.subarray(4, frame.length - 1), Buffer.from([1, 1, 1, 0])])
    client.sendFrame(tagged)
    await expectClosed(/tag/, { api: 'Fetch', version: 12 })
  })

  it('a request cut off at any byte is closed, never answered', async () => {
    const whole = encodeRequest(SyncGroup, 5, echoRequest('payload'), 9, 'client').subarray(4)
    for (let length = 8; length < whole.length; length++) {
      const peer = await running.connect()
      peer.sendFrame(whole.subarray(0, length))
      expect(await peer.closed).toBeNull()
      expect(peer.receivedBytes).toBe(0)
    }
    expect(running.server.memory.usedBytes).toBe(0)
  })

  it('a flood of broken connections is logged a few times and counted', async () => {
    for (let round = 0; round < 50; round++) {
      const peer = await running.connect()
      peer.sendBytes(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
      await peer.closed
    }
    expect(running.log.warnings.length).toBeLessThan(30)
  })

  it('replies to what came before are still sent', async () => {
    const frames = [1, 2].map((id) => encodeRequest(SyncGroup, 3, echoRequest('ok'), id, null))
    client.sendBytes(Buffer.concat([...frames, Buffer.from('garbage, and more of it')]))
    for (const id of [1, 2]) expect(decodeReply(SyncGroup, 3, await client.nextFrame(), id).errorCode).toBe(0)
    expect(await client.closed).toBeNull()
    expect(running.server.memory.usedBytes).toBe(0)
  })
})

describe('what looks odd and is fine', () => {
  it('trap 5: a null client id', async () => {
    client.clientId = null
    for (const version of [0, 3, 4, 5]) {
      expect((await client.send(SyncGroup, version, echoRequest('x'))).errorCode).toBe(ErrorCode.NONE)
    }
  })

  it('trap 15: any version of any api without ApiVersions first', async () => {
    for (let version = 0; version <= 5; version++) {
      const cold = await running.connect()
      expect((await cold.send(SyncGroup, version, echoRequest('x'))).assignment.toString()).toBe('x')
    }
  })

  it('bytes left over after the body', async () => {
    const frame = encodeRequest(SyncGroup, 5, echoRequest('x'), 3, 'c').subarray(4)
    client.sendFrame(Buffer.concat([frame, Buffer.from('trailing bytes')]))
    expect(decodeReply(SyncGroup, 5, await client.nextFrame(), 3).assignment.toString()).toBe('x')
  })

  it('unknown tags in header and body', async () => {
    const frame = encodeRequest(SyncGroup, 5, echoRequest('x'), 3, 'c').subarray(4)
    const headerEnd = 2 + 2 + 4 + 2 + 1
    expect(frame[headerEnd]).toBe(0)
    const tags = Buffer.from([1, 99, 2, 0xab, 0xcd])
    client.sendFrame(
      Buffer.concat([frame.subarray(0, headerEnd), tags, frame.subarray(headerEnd + 1, frame.length - 1), tags]),
    )
    expect(decodeReply(SyncGroup, 5, await client.nextFrame(), 3).assignment.toString()).toBe('x')
  })

  it('a connection that is opened and left', async () => {
    await client.close()
    while (running.server.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve))
    expect(running.log.warnings).toEqual([])
  })
})
