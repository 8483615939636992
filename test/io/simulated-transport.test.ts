import { describe, expect, it } from 'vitest'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import type { SimulatedNetworkOptions } from '../../src/io/simulated-link.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { SimulatedNetwork } from '../../src/io/simulated-transport.ts'
import type { Socket } from '../../src/io/transport.ts'

/** An opened end that notes what happens to it. */
function watch(socket: Socket) {
  const events: string[] = []
  const chunks: Buffer[] = []
  socket.open({
    onData: (chunk) => chunks.push(Buffer.from(chunk)),
    readInto: () => null,
    onEnd: () => events.push('end'),
    onClosed: (error) => events.push(error === null ? 'closed' : error.message),
  })
  return { events, chunks, text: () => Buffer.concat(chunks).toString() }
}

async function pair(options: Partial<SimulatedNetworkOptions> = {}, seed = 1) {
  const clock = new SimulatedClock()
  const network = new SimulatedNetwork(clock, new SimulatedRandom(seed), options)
  const accepted: Socket[] = []
  const { port } = await network.listen({ host: 'broker', port: 0, backlog: 1 }, (socket) => accepted.push(socket))
  const client = network.connect(port, '10.0.0.7')
  clock.advance(0)
  return { clock, network, client, server: accepted[0]!, port }
}

const ignore = () => {}

describe('SimulatedNetwork', () => {
  it('delivers all bytes in order, cut and joined as the seed says', async () => {
    const run = async (seed: number) => {
      const { clock, client, server } = await pair({ maxChunkBytes: 7 }, seed)
      const { chunks, text } = watch(server)
      for (const word of ['one ', 'two ', 'three ', 'four']) client.write([Buffer.from(word)], ignore)
      clock.advance(100)
      expect(text()).toBe('one two three four')
      return chunks.map((chunk) => chunk.toString())
    }
    expect(await run(5)).toEqual(await run(5))
    expect(await run(5)).not.toEqual(await run(6))
  })

  it('tells the address of the peer', async () => {
    const { server } = await pair()
    expect(server.remoteAddress).toBe('10.0.0.7')
  })

  it('holds back a writer whose peer does not read', async () => {
    const { clock, client, server } = await pair({ capacityBytes: 100 })
    const { text } = watch(server)
    server.pause()
    let written = 0
    for (let index = 0; index < 10; index++) client.write([Buffer.alloc(50, 'x')], () => written++)
    clock.advance(1000)
    expect(written).toBe(2)
    expect(text()).toBe('')
    server.resume()
    clock.advance(1000)
    expect(written).toBe(10)
    expect(text()).toHaveLength(500)
  })

  it('overwrites what it lends', async () => {
    const { clock, client, server } = await pair({ lends: true, maxChunkBytes: 10 })
    const kept: Buffer[] = []
    let lent = true
    server.open({
      onData: (chunk, isLent) => {
        kept.push(chunk)
        lent &&= isLent
      },
      readInto: () => null,
      onEnd: ignore,
      onClosed: ignore,
    })
    client.write([Buffer.from('secret')], ignore)
    clock.advance(100)
    expect(lent).toBe(true)
    expect(Buffer.concat(kept).toString()).not.toContain('s')
  })

  it('closes both ends when both have ended', async () => {
    const { clock, client, server } = await pair()
    const [here, there] = [watch(client), watch(server)]
    client.write([Buffer.from('last words')], ignore)
    client.end()
    clock.advance(100)
    expect(there.text()).toBe('last words')
    expect([here.events, there.events]).toEqual([[], ['end']])
    server.end()
    clock.advance(100)
    expect([here.events, there.events]).toEqual([
      ['end', 'closed'],
      ['end', 'closed'],
    ])
  })

  it('a destroyed end is gone, and a write to it breaks the other', async () => {
    const { clock, client, server } = await pair()
    const [here, there] = [watch(client), watch(server)]
    client.destroy()
    clock.advance(100)
    expect([here.events, there.events]).toEqual([['closed'], ['end']])
    let written = 0
    server.write([Buffer.from('anybody?')], () => written++)
    clock.advance(100)
    expect(written).toBe(1)
    expect(there.events).toEqual(['end', 'ECONNRESET: connection broken'])
  })

  it('cut breaks both ends and finishes every write', async () => {
    const { clock, network, client, server } = await pair({ capacityBytes: 10 })
    const [here, there] = [watch(client), watch(server)]
    let written = 0
    for (let index = 0; index < 5; index++) client.write([Buffer.alloc(8)], () => written++)
    network.cut(client)
    clock.advance(100)
    expect(written).toBe(5)
    expect(here.events).toEqual(['ECONNRESET: connection broken'])
    expect(there.events).toEqual(['ECONNRESET: connection broken'])
    expect(there.chunks).toEqual([])
  })

  it('refuses as an operating system does', async () => {
    const { network, port } = await pair()
    const again = network.listen({ host: 'broker', port, backlog: 1 }, ignore)
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(() => network.connect(1)).toThrow('ECONNREFUSED')
  })
})
