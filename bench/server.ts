/**
 * The sockets alone: a server whose one handler does nothing, in a process of its own, under several loads.
 *
 *     node bench/server.ts [fresh] [large]
 *
 * `fresh` reads to a new buffer each time, as a platform without a reusable one would; `large`
 * leaves the small requests out. Prints one line per load: what the clients saw, and the server's CPU and memory.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { pino } from 'pino'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts'
import { type ApiEntry, apiEntry } from '../src/apis/api-entry.ts'
import type { Broker } from '../src/broker/broker.ts'
import { BrokerEvents } from '../src/broker/broker-events.ts'
import { RequestFaults } from '../src/broker/request-faults.ts'
import { nodeClock } from '../src/io/node-clock.ts'
import { NodeTransport } from '../src/io/node-transport.ts'
import { Server } from '../src/server/server.ts'
import { encodeRequest } from '../test/support/wire-client.ts'

interface Usage {
  readonly cpuSeconds: number
  readonly rssBytes: number
}

const LOAD_MS = 3000
const MEGABYTE = 1e6
const reuseReadBuffer = !process.argv.includes('fresh')
const largeOnly = process.argv.includes('large')

if (process.send) serve(process.send.bind(process))
else await measureAll()

function serve(send: (message: unknown) => void): void {
  const heartbeat = apiEntry(Heartbeat, {
    handle: () => ({ throttleTimeMs: 0, errorCode: 0 }),
    fail: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
  })
  const produce = apiEntry(Produce, { handle: () => ({ responses: [] }), fail: () => ({ responses: [] }) })
  const apis = new Map<number, ApiEntry>([heartbeat, produce].map((entry) => [entry.api.key, entry as ApiEntry]))
  // No handler here touches the broker.
  const logger = pino({ level: 'warn' })
  const faults = new RequestFaults({ clock: nodeClock, random: 1, apis: [] })
  const broker: Partial<Broker> = { faults, events: new BrokerEvents(logger) }
  const server = new Server({
    transport: new NodeTransport({ reuseReadBuffer }),
    clock: nodeClock,
    logger,
    broker: broker as Broker,
    apis,
  })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    send({ cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage.rss() })
  })
  server
    .listen({ name: 'BENCH', host: '127.0.0.1', port: 0, advertisedHost: 'localhost' })
    .then(({ port }) => send(port))
}

async function measureAll(): Promise<void> {
  if (!largeOnly) await idleConnections(1000)
  const heartbeat = (id: number) =>
    encodeRequest(Heartbeat, 4, { groupId: 'group', generationId: 1, memberId: 'm'.repeat(40) }, id, 'bench-client')
  for (const [connections, pipelined] of [
    [1, 1],
    [8, 1],
    [50, 5],
    [1, 32],
    [8, 32],
  ] as const) {
    if (largeOnly) continue

    const name = `small requests, ${connections} connections, ${pipelined} in flight`
    await requests(name, heartbeat(1), connections, pipelined)
  }
  for (const [kilobytes, connections] of [
    [16, 4],
    [1024, 1],
  ] as const) {
    const partitionData = [{ index: 0, records: Buffer.alloc(kilobytes * 1024) }]
    const produce = { acks: 1, timeoutMs: 1000, topicData: [{ name: 'topic', partitionData }] }
    const name = `frames of ${kilobytes} KiB, ${connections} connections, 5 in flight`
    await requests(name, encodeRequest(Produce, 9, produce, 1, 'bench-client'), connections, 5)
  }
}

async function idleConnections(count: number): Promise<void> {
  const { child, port } = await startServer()
  const before = await usageOf(child)
  const beganMs = performance.now()
  const sockets = await Promise.all(Array.from({ length: count }, () => open(port)))
  const openedMs = performance.now() - beganMs
  await pause(500)
  const after = await usageOf(child)
  const perConnection = (after.rssBytes - before.rssBytes) / count
  await pause(2000)
  const later = await usageOf(child)
  console.log(
    `${count} idle connections: ${(perConnection / 1000).toFixed(1)} kB each (RSS ${megabytes(before)} to ${megabytes(after)}), ` +
      `opened in ${openedMs.toFixed(0)} ms with ${((after.cpuSeconds - before.cpuSeconds) * 1000).toFixed(0)} ms of CPU, ` +
      `idle CPU ${((later.cpuSeconds - after.cpuSeconds) / 0.02).toFixed(2)} %`,
  )
  for (const socket of sockets) socket.destroy()
  child.kill()
}

async function requests(name: string, frame: Buffer, connections: number, pipelined: number): Promise<void> {
  const { child, port } = await startServer()
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  let done = 0
  const window = Buffer.concat(new Array<Buffer>(pipelined).fill(frame))
  for (const socket of sockets) {
    let left = 0
    let size = 0
    socket.on('data', (chunk) => {
      if (size === 0) size = chunk.readInt32BE(0) + 4
      left += chunk.length
      const replies = Math.floor(left / size)
      left -= replies * size
      done += replies
      if (replies > 0) socket.write(replies === pipelined ? window : window.subarray(0, replies * frame.length))
    })
    socket.write(window)
  }
  await pause(1000)
  const [before, doneBefore, beganMs] = [await usageOf(child), done, performance.now()]
  await pause(LOAD_MS)
  const [after, doneAfter, seconds] = [await usageOf(child), done, (performance.now() - beganMs) / 1000]
  const count = doneAfter - doneBefore
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds
  const bytes = count * frame.length
  const rate =
    frame.length > 4096
      ? `${(bytes / seconds / MEGABYTE).toFixed(0)} MB/s, ${((cpuSeconds / bytes) * 1e9).toFixed(2)} CPU-s/GB`
      : `${Math.round(count / seconds)}/s, ${((cpuSeconds / count) * 1e6).toFixed(1)} CPU-s per million`
  console.log(`${name}: ${rate}, RSS ${megabytes(after)}`)
  for (const socket of sockets) socket.destroy()
  child.kill()
}

async function startServer(): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(import.meta.filename, process.argv.slice(2), { execArgv: [] })
  const port = await new Promise<number>((resolve) => child.once('message', (message) => resolve(message as number)))
  return { child, port }
}

function usageOf(child: ChildProcess): Promise<Usage> {
  child.send('usage')
  return new Promise((resolve) => child.once('message', (message) => resolve(message as Usage)))
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function megabytes({ rssBytes }: Usage): string {
  return `${(rssBytes / MEGABYTE).toFixed(0)} MB`
}
