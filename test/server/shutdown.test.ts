import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { encodeRequest } from '../support/wire-client.ts'
import { answerEcho, echoRequest, startEchoServer } from './echo-server.ts'

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

describe('shutdown', () => {
  it('closes idle connections at once and accepts no more', async () => {
    // The clock stands still: nothing may wait for a timer.
    const running = await startEchoServer({ clock: new SimulatedClock() })
    const clients = await Promise.all([1, 2, 3].map(() => running.connect()))
    for (const client of clients) await client.send(ApiVersions, 0, {})
    await running.server.close()
    expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual([null, null, null])
    await expect(running.connect()).rejects.toThrow('ECONNREFUSED')
    expect(running.server.connectionCount).toBe(0)
  })

  it('answers what is in progress, parked requests included', async () => {
    const parked: (() => void)[] = []
    const running = await startEchoServer({
      clock: new SimulatedClock(),
      handle: (request) => new Promise((resolve) => parked.push(() => resolve(answerEcho(request)))),
    })
    const client = await running.connect()
    const answers = ['a', 'b'].map((name) => client.send(SyncGroup, 3, echoRequest(name)))
    await until(() => parked.length === 2)
    await running.server.close(() => {
      for (const answer of parked) answer()
    })
    expect((await Promise.all(answers)).map(({ assignment }) => assignment.toString())).toEqual(['a', 'b'])
    expect(await client.closed).toBeNull()
  })

  it('takes no new request while it waits for old ones', async () => {
    const parked: (() => void)[] = []
    const running = await startEchoServer({
      handle: (request) => new Promise((resolve) => parked.push(() => resolve(answerEcho(request)))),
    })
    const client = await running.connect()
    const answer = client.send(SyncGroup, 3, echoRequest('old'))
    await until(() => parked.length === 1)
    const closed = running.server.close()
    const late = client.send(SyncGroup, 3, echoRequest('new'))
    late.catch(() => {})
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    parked[0]!()
    expect((await answer).assignment.toString()).toBe('old')
    await expect(late).rejects.toThrow()
    await closed
    expect(parked).toHaveLength(1)
  })

  it('cuts what is not answered within the grace, and tells the handler', async () => {
    const clock = new SimulatedClock()
    let told = false
    const running = await startEchoServer({
      clock,
      handle: (_request, { connection }) => {
        connection.onClose(() => {
          told = true
        })
        return new Promise(() => {})
      },
    })
    const client = await running.connect()
    const answer = client.send(SyncGroup, 3, echoRequest('never'))
    answer.catch(() => {})
    await until(() => running.server.memory.usedBytes > 0)
    const closed = running.server.close(() => {}, 300)
    clock.advance(300)
    await closed
    expect(told).toBe(true)
    await expect(answer).rejects.toThrow()
  })

  it('cuts a peer that does not read its replies', async () => {
    const clock = new SimulatedClock()
    const running = await startEchoServer({ clock })
    const client = await running.connect()
    client.pause()
    const frame = encodeRequest(SyncGroup, 3, echoRequest(Buffer.alloc(1_000_000)), 1, null)
    client.sendBytes(Buffer.concat(new Array<Buffer>(20).fill(frame)))
    await until(() => running.server.memory.usedBytes > 0)
    const closed = running.server.close(() => {}, 300)
    clock.advance(300)
    await closed
    client.socket.destroy()
  })

  it('may be asked twice, and with nobody connected', async () => {
    const running = await startEchoServer()
    await Promise.all([running.server.close(), running.server.close()])
    await running.server.close()
  })
})

describe('listening', () => {
  it('tells when the port is taken', async () => {
    const running = await startEchoServer()
    const options = { name: 'OTHER', host: '127.0.0.1', port: running.listener.port, advertisedHost: 'localhost' }
    await expect(running.server.listen(options)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await running.close()
  })

  it('serves several listeners, and a request knows its own', async () => {
    const names: string[] = []
    const running = await startEchoServer({
      handle: (request, { connection }) => {
        names.push(`${connection.listener.name} ${connection.listener.advertisedPort}`)
        return answerEcho(request)
      },
    })
    const options = { name: 'INTERNAL', host: '127.0.0.1', port: 0, advertisedHost: 'broker', advertisedPort: 19092 }
    const second = await running.server.listen(options)
    const { WireClient } = await import('../support/wire-client.ts')
    const client = await WireClient.connect(second.port)
    expect((await client.send(SyncGroup, 3, echoRequest('x'))).errorCode).toBe(ErrorCode.NONE)
    await (await running.connect()).send(SyncGroup, 3, echoRequest('x'))
    expect(names).toEqual(['INTERNAL 19092', `PLAINTEXT ${running.listener.port}`])
    await client.close()
    await running.close()
  })
})
