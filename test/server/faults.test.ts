import { afterEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import type { RequestFault } from '../../src/broker/request-fault-spec.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import type { WireClient } from '../support/wire-client.ts'
import { answerEcho, type EchoServer, type EchoServerOptions, echoRequest, startEchoServer } from './echo-server.ts'

let running: EchoServer
let client: WireClient
let clock: SimulatedClock
let handled: string[]

/** Time stands still: whatever waits, waits for the fault. */
async function start(fault: RequestFault, options: EchoServerOptions = {}): Promise<string> {
  clock = new SimulatedClock()
  handled = []
  running = await startEchoServer({
    clock,
    handle: async (request) => {
      handled.push(String(request.assignments[0]!.assignment))
      return answerEcho(request)
    },
    ...options,
  })
  client = await running.connect()
  return running.faults.add(fault).id
}
afterEach(() => running.close())

/** Enough for bytes to go through the loopback and back. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turns()
}
const arrived = () => until(() => running.server.memory.usedBytes > 0)
const allGone = () => until(() => running.server.connectionCount === 0)

const ask = (text: string) => client.send(SyncGroup, 3, echoRequest(text)).then((answer) => String(answer.assignment))
/** A promise whose failure somebody looks at later. */
const later = (text: string) => {
  const answer = ask(text)
  answer.catch(() => {})
  return answer
}

describe('an error', () => {
  it('is answered in the own shape of the API, nothing is done, and the next request is served', async () => {
    const id = await start({ kind: 'error', errorCode: 'REBALANCE_IN_PROGRESS', api: 'SyncGroup', times: 1 })
    const failed = await client.send(SyncGroup, 3, echoRequest('x'))
    expect([failed.errorCode, failed.assignment.length]).toEqual([ErrorCode.REBALANCE_IN_PROGRESS, 0])
    expect(await ask('y')).toBe('y')
    expect(handled).toEqual(['y'])
    expect(running.faults.get(id)).toMatchObject({ fired: 1, matched: 1, state: 'spent' })
    expect(running.server.memory.usedBytes).toBe(0)
  })

  it('keeps its place among replies', async () => {
    await start({ kind: 'error', errorCode: 27, skip: 1, times: 1 })
    const answers = [1, 2, 3].map(() => client.send(SyncGroup, 3, echoRequest('x')))
    expect((await Promise.all(answers)).map(({ errorCode }) => errorCode)).toEqual([0, 27, 0])
  })
})

describe('a delay', () => {
  it('holds back the request and those behind it, and others not', async () => {
    await start({ kind: 'delay', delayMs: 500, times: 1 })
    const other = await running.connect()
    const slow = ask('slow')
    const behind = ask('behind')
    await arrived()
    expect(handled).toEqual([])
    await other.send(ApiVersions, 0, {})
    clock.advance(499)
    await turns()
    expect([handled, client.receivedBytes]).toEqual([[], 0])
    clock.advance(1)
    expect(await Promise.all([slow, behind])).toEqual(['slow', 'behind'])
    expect(handled).toEqual(['slow', 'behind'])
  })

  it('of several rules adds up, before what another rule does', async () => {
    await start({ kind: 'delay', delayMs: 100 })
    running.faults.add({ kind: 'delay', delayMs: 50 })
    running.faults.add({ kind: 'error', errorCode: 'NOT_COORDINATOR' })
    const answer = client.send(SyncGroup, 3, echoRequest('x'))
    await arrived()
    clock.advance(149)
    await turns()
    expect(client.receivedBytes).toBe(0)
    clock.advance(1)
    expect((await answer).errorCode).toBe(ErrorCode.NOT_COORDINATOR)
  })

  it('of a client that has gone is done all the same, and leaves nothing behind', async () => {
    await start({ kind: 'delay', delayMs: 500 })
    later('x')
    await arrived()
    client.socket.destroy()
    clock.advance(500)
    await allGone()
    expect([handled, running.server.memory.usedBytes]).toEqual([['x'], 0])
  })

  it('ends when the broker closes, in good order', async () => {
    await start({ kind: 'delay', delayMs: 500 })
    const answer = ask('x')
    await arrived()
    await running.server.close()
    expect(await answer).toBe('x')
  })

  it('of a broker that is killed is never done', async () => {
    await start({ kind: 'delay', delayMs: 500 })
    const answer = later('x')
    await arrived()
    running.server.abort()
    await expect(answer).rejects.toThrow()
    clock.advance(500)
    await turns()
    expect([handled, running.server.memory.usedBytes]).toEqual([[], 0])
  })
})

describe('a disconnect', () => {
  it('comes after the replies before it, and nothing is done', async () => {
    await start({ kind: 'disconnect', skip: 1 })
    const answers = ['first', 'second', 'third'].map(later)
    expect(await answers[0]).toBe('first')
    await expect(answers[1]).rejects.toThrow()
    await client.closed
    expect(handled).toEqual(['first'])
    expect(running.server.memory.usedBytes).toBe(0)
  })

  it('waits for a reply before it that takes its time', async () => {
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const seen: string[] = []
    await start(
      { kind: 'disconnect', skip: 1, times: 1 },
      {
        handle: async (request) => {
          seen.push(String(request.assignments[0]!.assignment))
          await gate
          return answerEcho(request)
        },
      },
    )
    const answers = ['first', 'second', 'third'].map(later)
    await until(() => seen.length > 0)
    await turns()
    expect([seen, client.hasEnded]).toEqual([['first'], false])
    open()
    expect(await answers[0]).toBe('first')
    await client.closed
    expect(seen).toEqual(['first'])
  })
})

describe('a lost answer', () => {
  it('ends the connection when the work is done', async () => {
    await start({ kind: 'lose-answer', times: 1 })
    const [lost, behind] = [later('lost'), later('behind')]
    await expect(lost).rejects.toThrow()
    await expect(behind).rejects.toThrow()
    await client.closed
    expect([handled, client.receivedBytes, running.server.memory.usedBytes]).toEqual([['lost'], 0, 0])
    client = await running.connect()
    expect(await ask('again')).toBe('again')
  })

  it('releases what the answer holds', async () => {
    const released: string[] = []
    await start({ kind: 'lose-answer' }, { release: ({ assignment }) => released.push(String(assignment)) })
    await expect(ask('x')).rejects.toThrow()
    expect(released).toEqual(['x'])
  })

  it('of a handler that fails is lost as well', async () => {
    await start({ kind: 'lose-answer' }, { handle: () => Promise.reject(new Error('broken')) })
    await expect(ask('x')).rejects.toThrow()
    await client.closed
    expect([client.receivedBytes, running.server.memory.usedBytes]).toEqual([0, 0])
    expect(running.log.warnings.map(({ msg }) => msg)).toEqual(['SyncGroup failed'])
  })

  it('may stay silent: the connection stays, and what is behind is not begun', async () => {
    await start({ kind: 'lose-answer', silent: true, times: 1 })
    const answers = ['lost', 'behind'].map(later)
    await until(() => handled.length > 0)
    await turns()
    expect([handled, client.receivedBytes, client.hasEnded]).toEqual([['lost'], 0, false])
    expect(running.server.memory.usedBytes).toBe(0)
    await client.close()
    await Promise.allSettled(answers)
    await allGone()
  })
})

describe('a black hole', () => {
  it('swallows the request and everything behind it, and holds no memory', async () => {
    await start({ kind: 'black-hole', skip: 1, times: 1 })
    const answers = ['first', 'second', 'third'].map(later)
    expect(await answers[0]).toBe('first')
    await until(() => running.server.memory.usedBytes === 0)
    expect([handled, client.hasEnded, running.server.memory.usedBytes]).toEqual([['first'], false, 0])
    for (let count = 0; count < 50; count++) later(`more ${count}`)
    await turns()
    expect([running.server.connectionCount, running.server.memory.usedBytes]).toEqual([1, 0])
    await client.close()
    await allGone()
  })

  it('does not keep the broker from closing', async () => {
    const id = await start({ kind: 'black-hole' })
    const answer = later('x')
    await until(() => running.faults.fired(id) > 0)
    // The clock stands still: no grace would ever end.
    await running.server.close()
    await expect(answer).rejects.toThrow()
    expect(running.server.connectionCount).toBe(0)
  })
})

it('a rule sees only what fits: client, connection, API', async () => {
  await start({ kind: 'error', errorCode: 27, api: ['SyncGroup'], clientId: 'bad-*' })
  const good = await running.connect({ clientId: 'good-1' })
  const bad = await running.connect({ clientId: 'bad-1' })
  expect((await good.send(SyncGroup, 3, echoRequest('x'))).errorCode).toBe(0)
  expect((await bad.send(SyncGroup, 3, echoRequest('x'))).errorCode).toBe(27)
  expect((await bad.send(ApiVersions, 0, {})).errorCode).toBe(0)
  running.faults.clear()
  running.faults.add({ kind: 'error', errorCode: 'NOT_COORDINATOR', connectionId: 2, groupId: 'g' })
  expect((await good.send(SyncGroup, 3, echoRequest('x'))).errorCode).toBe(ErrorCode.NOT_COORDINATOR)
  expect((await bad.send(SyncGroup, 3, echoRequest('x'))).errorCode).toBe(0)
})
