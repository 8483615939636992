import { expect } from 'vitest'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import type { Clock } from '../../src/io/clock.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { SimulatedNetwork } from '../../src/io/simulated-transport.ts'
import type { ServerLimits } from '../../src/server/limits.ts'
import { decodeReply, encodeRequest, WireClient } from '../support/wire-client.ts'
import { answerEcho, echoRequest, startEchoServer } from './echo-server.ts'

interface Sent {
  readonly id: number
  /** Null: an ApiVersions request. */
  readonly payload: Buffer | null
}

/** Runs callbacks of the clock and everything they set off until a promise settles. */
async function drive<T>(clock: SimulatedClock, promise: Promise<T>): Promise<T> {
  let settled = false
  const mark = () => {
    settled = true
  }
  promise.then(mark, mark)
  for (let turn = 0; !settled; turn++) {
    if (turn > 200_000) throw new Error('nothing happens any more')
    await new Promise<void>((resolve) => setImmediate(resolve))
    clock.advance(clock.nextDueMs() ?? 0)
  }
  return promise
}

function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.schedule(ms, resolve))
}

/** Limits small enough that requests run into every one of them. */
function limitsOf(random: SimulatedRandom): Partial<ServerLimits> {
  return {
    connectionRequests: 1 + random.below(20),
    connectionRequestBytes: 1000 + random.below(200_000),
    connectionReplyBytes: 1000 + random.below(200_000),
    requestMemoryBytes: 10_000 + random.below(300_000),
  }
}

/**
 * Several clients pipeline echo requests of all sizes over a network that cuts and joins bytes as the seed says, while
 * handlers finish in any order and readers pause: every reply arrives, in order, with its own bytes, and nothing is
 * left behind.
 */
export async function checkChunking(seed: number): Promise<void> {
  const random = new SimulatedRandom(seed)
  const clock = new SimulatedClock()
  const maxChunkBytes = 1 + random.below(random.below(2) === 0 ? 30 : 70_000)
  const network = new SimulatedNetwork(clock, random, {
    maxChunkBytes,
    maxDelayMs: random.below(3),
    capacityBytes: maxChunkBytes + random.below(100_000),
    lends: random.below(2) === 0,
  })
  let released = 0
  let handled = 0
  const running = await startEchoServer({
    clock,
    transport: network,
    limits: limitsOf(random),
    ...(random.below(3) === 0 && { holdsBack: random.below(2) === 0 ? 'same api' : 'everything' }),
    handle: (request) => {
      handled++
      const answer = answerEcho(request)
      if (random.below(3) === 0) return answer
      return delay(clock, random.below(20)).then(() => answer)
    },
    release: () => {
      released++
    },
  })
  const clients = Array.from({ length: 1 + random.below(4) }, () => network.connect(running.listener.port))
  await drive(
    clock,
    Promise.all(clients.map((socket) => talk(new WireClient(socket, null), clock, random, 100 * maxChunkBytes))),
  )
  await drive(clock, running.server.close())
  expect(released).toBe(handled)
  expect(running.server.memory.usedBytes).toBe(0)
  expect(running.log.warnings).toEqual([])
}

async function talk(client: WireClient, clock: Clock, random: SimulatedRandom, largestBytes: number): Promise<void> {
  const sent: Sent[] = Array.from({ length: 30 }, (_, id) => ({
    id,
    payload:
      random.below(10) === 0
        ? null
        : random.bytes(random.below(random.below(8) === 0 ? Math.min(60_000, largestBytes) : 200)),
  }))
  const bytes = Buffer.concat(
    sent.map(({ id, payload }) =>
      payload === null
        ? encodeRequest(ApiVersions, 2, {}, id, null)
        : encodeRequest(SyncGroup, id % 6, echoRequest(payload), id, 'a client'),
    ),
  )
  client.sendBytes(bytes)
  for (const { id, payload } of sent) {
    if (random.below(5) === 0) {
      client.pause()
      await delay(clock, random.below(100))
      client.resume()
    }
    const frame = await client.nextFrame()
    if (payload === null) expect(decodeReply(ApiVersions, 2, frame, id).apiKeys).toHaveLength(2)
    else expect(decodeReply(SyncGroup, id % 6, frame, id).assignment.equals(payload)).toBe(true)
  }
}

/** The same with connections that break at any moment: no reply is wrong, nothing is left behind, nobody else notices. */
export async function checkDrops(seed: number): Promise<void> {
  const random = new SimulatedRandom(seed)
  const clock = new SimulatedClock()
  const options = { maxChunkBytes: 500, maxDelayMs: 2, lends: random.below(2) === 0, dropOneIn: 2 + random.below(300) }
  const network = new SimulatedNetwork(clock, random, options)
  let released = 0
  let answered = 0
  const running = await startEchoServer({
    clock,
    transport: network,
    limits: limitsOf(random),
    handle: async (request) => {
      await delay(clock, random.below(30))
      answered++
      return answerEcho(request)
    },
    release: () => {
      released++
    },
  })
  for (let round = 0; round < 5; round++) {
    const client = new WireClient(network.connect(running.listener.port), null)
    const talking = talk(client, clock, random, 20_000).then(
      () => 'answered',
      (error: Error) => error.message,
    )
    expect(await drive(clock, talking)).toMatch(/^answered$|ended|closed|ECONNRESET/)
    client.socket.destroy()
  }
  await drive(clock, delay(clock, 2000))
  await drive(clock, running.server.close())
  expect(running.server.connectionCount).toBe(0)
  expect(running.server.memory.usedBytes).toBe(0)
  expect(released).toBe(answered)
}

/** Random bytes, with a grain of sense: ends in a closed connection or in silence, never in a crash or lost memory. */
export async function checkGarbage(seed: number): Promise<void> {
  const random = new SimulatedRandom(seed)
  const clock = new SimulatedClock()
  const network = new SimulatedNetwork(clock, random, { maxChunkBytes: 300 })
  const running = await startEchoServer({ clock, transport: network, limits: { maxRequestBytes: 100_000 } })
  for (let round = 0; round < 10; round++) {
    const client = new WireClient(network.connect(running.listener.port), null)
    const valid = encodeRequest(SyncGroup, random.below(6), echoRequest(random.bytes(20)), 1, 'c')
    const bytes = random.below(4) === 0 ? random.bytes(random.below(500)) : valid
    for (let flips = random.below(5); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256)
    client.sendBytes(Buffer.concat([valid, bytes, valid]))
    await drive(clock, delay(clock, 50))
    client.socket.destroy()
  }
  const client = new WireClient(network.connect(running.listener.port), null)
  await drive(clock, client.send(SyncGroup, 5, echoRequest('still there')))
  await drive(clock, running.server.close())
  expect(running.server.memory.usedBytes).toBe(0)
  expect(running.log.warnings.every(({ msg }) => msg === 'closing a connection')).toBe(true)
}
