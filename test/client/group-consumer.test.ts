import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { KafkaClient } from '../../src/client/kafka-client.ts'
import { connectClient } from '../../src/client/node-client.ts'
import { assignRanges } from '../../src/client/range-assignor.ts'
import { startBroker } from '../../src/index.ts'
import type { TestBroker } from '../../src/testing/test-broker.ts'

let broker: TestBroker
let client: KafkaClient

beforeEach(async () => {
  broker = await startBroker({ topics: [{ name: 'orders', partitions: 4 }] })
  client = await connectClient({ bootstrapServers: broker.bootstrapServers, requestTimeoutMs: 10_000 })
})

afterEach(async () => {
  await client.close()
  await broker.close()
})

function produce(...texts: string[]) {
  return client.produce(
    'orders',
    texts.map((text, at) => ({ value: Buffer.from(text), partition: at % 4 })),
  )
}

async function readToEnd(limit = Number.POSITIVE_INFINITY): Promise<string[]> {
  const consumer = client.groupConsumer({ group: 'g', topics: ['orders'], from: 'earliest', untilEnd: true })
  const seen: string[] = []
  for await (const batch of consumer.batches()) {
    for (const record of batch.slice(0, limit - seen.length)) {
      seen.push(String(record.value))
      consumer.done(record)
    }
    if (seen.length === limit) break
  }
  await consumer.close()
  return seen.sort()
}

describe('a consumer of a group', () => {
  it('goes on where the group has stopped', async () => {
    await produce('a', 'b', 'c', 'd', 'e')
    const first = await readToEnd(2)
    const rest = await readToEnd()
    expect([...first, ...rest].sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(await readToEnd()).toEqual([])
    const committed = await client.committedOffsets('g')
    expect(committed.map(({ partition, offset }) => [partition, offset]).sort()).toEqual([
      [0, 2],
      [1, 1],
      [2, 1],
      [3, 1],
    ])
  })

  it('shares the partitions with the others, and takes over what they leave', async () => {
    const seen: [string, string][] = []
    const stops = [new AbortController(), new AbortController()]
    const read = async (name: string, signal: AbortSignal) => {
      const other = await connectClient({ bootstrapServers: broker.bootstrapServers })
      const consumer = other.groupConsumer({
        group: 'g',
        topics: ['orders'],
        from: 'earliest',
        heartbeatIntervalMs: 50,
        signal,
      })
      for await (const batch of consumer.batches()) {
        for (const record of batch) {
          seen.push([name, String(record.value)])
          consumer.done(record)
        }
      }
      await consumer.close()
      await other.close()
    }
    const both = [read('x', stops[0]!.signal), read('y', stops[1]!.signal)]
    await broker.waitForGroup('g', 'assigned', { members: 2 })
    await produce('a', 'b', 'c', 'd')
    await expect.poll(() => seen.length).toBe(4)
    expect(seen.filter(([name]) => name === 'x')).toHaveLength(2)
    stops[0]!.abort()
    await both[0]
    await broker.waitForGroup('g', 'assigned', { members: 1 })
    await produce('e', 'f', 'g', 'h')
    await expect.poll(() => seen.length, { timeout: 15_000 }).toBe(8)
    expect(seen.slice(4).every(([name]) => name === 'y')).toBe(true)
    stops[1]!.abort()
    await both[1]
    expect((await client.committedOffsets('g')).map(({ offset }) => offset)).toEqual([2, 2, 2, 2])
  })

  it('offsets from outside are where the group goes on', async () => {
    await produce('a', 'b', 'c', 'd')
    await client.commitOffsets(
      'g',
      [0, 1, 2].map((partition) => ({ topic: 'orders', partition, offset: 1 })),
    )
    expect(await readToEnd()).toEqual(['d'])
  })
})

it('range: runs of partitions, the first members one more', () => {
  const members = [
    { memberId: 'b', topics: ['t', 'u'] },
    { memberId: 'a', topics: ['t'] },
    { memberId: 'c', topics: [] },
  ]
  const assigned = assignRanges(
    members,
    new Map([
      ['t', 3],
      ['u', 1],
    ]),
  )
  const [a, b, c] = ['a', 'b', 'c'].map((id) => assigned.get(id)!.map(({ topic, partition }) => `${topic}${partition}`))
  expect([a, b, c]).toEqual([['t0', 't1'], ['t2', 'u0'], []])
})
