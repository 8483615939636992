import { connect, type Socket as NetSocket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NodeTransport, plainAddress } from '../../src/io/node-transport.ts'
import type { Binding, Socket } from '../../src/io/transport.ts'

let binding: Binding | null = null
let peer: NetSocket | null = null
afterEach(() => {
  binding?.close()
  peer?.destroy()
})

let reuseReadBuffer = false

async function accepted(host = '127.0.0.1'): Promise<{ socket: Socket; peer: NetSocket }> {
  const sockets: Socket[] = []
  binding = await new NodeTransport({ reuseReadBuffer }).listen(
    { host, port: 0, backlog: 10 },
    (socket) => sockets.push(socket),
    fail,
  )
  peer = connect({ host: '127.0.0.1', port: binding.port, allowHalfOpen: true })
  peer.on('error', () => {})
  while (sockets.length === 0) await turn()
  return { socket: sockets[0]!, peer }
}

function fail(error: Error): void {
  throw error
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

function watch(socket: Socket) {
  const events: string[] = []
  const received: Buffer[] = []
  socket.open({
    onData: (chunk, lent) => received.push(lent ? Buffer.from(chunk) : chunk),
    readInto: () => null,
    onEnd: () => events.push('end'),
    onClosed: (error) => events.push(error === null ? 'closed' : ((error as NodeJS.ErrnoException).code ?? 'error')),
  })
  return { events, text: () => Buffer.concat(received).toString() }
}

describe.each([
  ['fresh buffers', false],
  ['a reused buffer', true],
])('NodeTransport reading to %s', (_name, reuse) => {
  beforeEach(() => {
    reuseReadBuffer = reuse
  })

  it('reads nothing before it is opened, then all of it', async () => {
    const { socket, peer } = await accepted()
    peer.write('early')
    for (let turns = 0; turns < 20; turns++) await turn()
    const { text } = watch(socket)
    await until(() => text() === 'early')
  })

  it('does not read while paused', async () => {
    const { socket, peer } = await accepted()
    const { text } = watch(socket)
    socket.pause()
    peer.write('later')
    for (let turns = 0; turns < 50; turns++) await turn()
    expect(text()).toBe('')
    socket.resume()
    await until(() => text() === 'later')
  })

  it('tells the address of an IPv4 peer as such, on a dual-stack listener too', async () => {
    const { socket } = await accepted('::')
    expect(socket.remoteAddress).toBe('127.0.0.1')
    expect(plainAddress('::ffff:10.1.2.3')).toBe('10.1.2.3')
    expect(plainAddress('fe80::1')).toBe('fe80::1')
  })

  it('writes chunks in order and says when they are written', async () => {
    const { socket, peer } = await accepted()
    watch(socket)
    let received = ''
    peer.on('data', (chunk) => {
      received += chunk
    })
    const order: string[] = []
    socket.write([Buffer.from('a'), Buffer.from('b')], () => order.push('first'))
    socket.write([Buffer.from('c')], () => order.push('second'))
    expect(order).toEqual([])
    await until(() => received === 'abc' && order.length === 2)
    expect(order).toEqual(['first', 'second'])
  })

  it('finishes every write exactly once, also those that a closed connection gives up', async () => {
    const { socket, peer } = await accepted()
    const { events } = watch(socket)
    peer.pause()
    const finished = new Map<number, number>()
    for (let write = 0; write < 50; write++) {
      const chunks = [Buffer.alloc(500_000), Buffer.alloc(10)]
      socket.write(chunks, () => finished.set(write, (finished.get(write) ?? 0) + 1))
    }
    await turn()
    socket.destroy()
    socket.write([Buffer.from('too late')], () => finished.set(50, 1))
    await until(() => events.length > 0 && finished.size === 51)
    expect([...finished.values()].every((times) => times === 1)).toBe(true)
    expect(events).toEqual(['closed'])
  })

  it('half-open: the end of the peer is told, replies still go out', async () => {
    const { socket, peer } = await accepted()
    const { events } = watch(socket)
    let received = ''
    peer.on('data', (chunk) => {
      received += chunk
    })
    peer.end()
    await until(() => events.length === 1)
    socket.write([Buffer.from('reply')], () => {})
    socket.end()
    await until(() => received === 'reply' && events.length === 2)
    expect(events).toEqual(['end', 'closed'])
  })

  it('a reset is told once and crashes nothing', async () => {
    const { socket, peer } = await accepted()
    const { events } = watch(socket)
    socket.write([Buffer.alloc(1000)], () => {})
    peer.resetAndDestroy()
    await until(() => events.length > 0)
    for (let turns = 0; turns < 20; turns++) await turn()
    expect(events).toHaveLength(1)
    expect(['ECONNRESET', 'EPIPE', 'closed']).toContain(events[0])
  })

  it('a peer that is gone before it is opened is told as closed', async () => {
    const { socket, peer } = await accepted()
    peer.resetAndDestroy()
    for (let turns = 0; turns < 20; turns++) await turn()
    const { events } = watch(socket)
    await until(() => events.length === 1)
  })

  it('lends what it will use again, and nothing else', async () => {
    const { socket, peer } = await accepted()
    const lent: boolean[] = []
    socket.open({
      onData: (_chunk, isLent) => lent.push(isLent),
      readInto: () => null,
      onEnd: () => {},
      onClosed: () => {},
    })
    peer.write('something')
    await until(() => lent.length > 0)
    expect(lent).toEqual([reuse])
  })
})

describe('a reused buffer', () => {
  it('gives way to memory of the reader', async () => {
    reuseReadBuffer = true
    const { socket, peer } = await accepted()
    const into = Buffer.alloc(200_000)
    let filled = 0
    const lent: boolean[] = []
    socket.open({
      onData: (chunk, isLent) => {
        lent.push(isLent)
        if (isLent) chunk.copy(into, filled)
        else expect(chunk.byteOffset).toBe(into.byteOffset + filled)
        filled += chunk.length
      },
      readInto: () => (filled > 0 && filled < into.length ? into.subarray(filled) : null),
      onEnd: () => {},
      onClosed: () => {},
    })
    const sent = Buffer.alloc(200_000, 'abcdefg')
    peer.write(sent)
    await until(() => filled === sent.length)
    expect(into.equals(sent)).toBe(true)
    expect(lent[0]).toBe(true)
    expect(lent).toContain(false)
  })

  it('serves many connections at once without mixing their bytes', async () => {
    const texts: string[] = []
    binding = await new NodeTransport().listen(
      { host: '127.0.0.1', port: 0, backlog: 50 },
      (socket) => {
        const at = texts.push('') - 1
        const onData = (chunk: Buffer) => {
          texts[at] += chunk.toString()
        }
        socket.open({ onData, readInto: () => null, onEnd: () => socket.end(), onClosed: () => {} })
      },
      fail,
    )
    const { port } = binding
    const peers = Array.from({ length: 30 }, (_, index) => {
      const own = connect({ host: '127.0.0.1', port })
      for (let round = 0; round < 20; round++) own.write(String.fromCharCode(65 + index).repeat(1000))
      own.end()
      return own
    })
    await Promise.all(peers.map((own) => new Promise((resolve) => own.on('close', resolve))))
    expect(texts.map((text) => new Set(text).size)).toEqual(new Array(30).fill(1))
    expect(texts.map((text) => text.length)).toEqual(new Array(30).fill(20_000))
  })
})
