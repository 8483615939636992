import { createServer, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListGroups } from '../../protocol/messages/16-list-groups.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { StreamsGroupDescribe } from '../../protocol/messages/89-streams-group-describe.ts'
import type { ConsumedRecord } from '../../src/client/fetched-records.ts'
import { KafkaClient } from '../../src/client/kafka-client.ts'
import { connectClient, nodeDependencies } from '../../src/client/node-client.ts'
import type { ProducedRecord } from '../../src/client/producer.ts'
import { startBroker } from '../../src/index.ts'
import { nodeDialer } from '../../src/io/node-dial.ts'
import type { TestBroker } from '../../src/testing/test-broker.ts'

const NO_FILTER = { statesFilter: [], typesFilter: [] }

let broker: TestBroker
let client: KafkaClient

beforeEach(async () => {
  broker = await startBroker({
    brokers: 3,
    topics: ['one', { name: 'three', partitions: 3, replicationFactor: 1 }],
  })
  client = await connectClient({ bootstrapServers: broker.bootstrapServers, requestTimeoutMs: 10_000 })
})

afterEach(async () => {
  await client.close()
  await broker.close()
})

function values(...texts: string[]): ProducedRecord[] {
  return texts.map((text) => ({ value: Buffer.from(text) }))
}

async function collect(records: AsyncIterable<ConsumedRecord>): Promise<ConsumedRecord[]> {
  const all: ConsumedRecord[] = []
  for await (const record of records) all.push(record)
  return all
}

async function readAll(topic: string, partitions: readonly number[], client_ = client): Promise<ConsumedRecord[]> {
  const ends = await client_.offsets(partitions.map((partition) => ({ topic, partition, at: 'latest' })))
  const positions = ends.map(({ partition, offset }) => ({ topic, partition, offset: 0, endOffset: offset }))
  return collect(client_.records(positions))
}

describe('a Kafka client', () => {
  it('knows the cluster and its topics', async () => {
    const { brokers, clusterId } = await client.cluster()
    expect(brokers.map(({ id }) => id)).toEqual([1, 2, 3])
    expect(clusterId).toMatch(/^[\w-]{22}$/)
    const topics = await client.topics(null)
    expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ['one', 1],
      ['three', 3],
    ])
    const [missing] = await client.topics(['missing'])
    expect(missing).toMatchObject({ name: 'missing', errorCode: 3, partitions: [] })
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'reads back what it produced with %s',
    async (compression) => {
      const headers = [{ key: 'h', value: Buffer.from('v') }]
      const record = { key: Buffer.from('k'), value: Buffer.from('v'.repeat(1000)), headers, timestamp: 12345 }
      const [batch] = await client.produce('one', [record, { key: null, value: null }], { compression })
      expect(batch).toMatchObject({ topic: 'one', partition: 0, baseOffset: 0, recordCount: 2 })
      const [first, second] = await readAll('one', [0])
      expect(first).toMatchObject({ ...record, topic: 'one', partition: 0, offset: 0, timestampType: 'CreateTime' })
      expect(second).toMatchObject({ key: null, value: null, headers: [], offset: 1 })
    },
  )

  it('finds the leader of each partition, and again after it has moved', async () => {
    const all = values(...Array.from({ length: 30 }, (_, at) => String(at)))
    const produced = await client.produce(
      'three',
      all.map((one, at) => ({ ...one, partition: at % 3 })),
    )
    expect(produced.map(({ partition, recordCount }) => [partition, recordCount])).toEqual([
      [0, 10],
      [1, 10],
      [2, 10],
    ])
    expect((await readAll('three', [0, 1, 2])).map(({ value }) => Number(value)).sort((a, b) => a - b)).toEqual(
      all.map((_, at) => at),
    )
    const [topic] = await client.topics(['one'])
    const next = (topic!.partitions[0]!.leader % 3) + 1
    await client.produce('one', values('before'))
    await broker.moveLeader('one', 0, next)
    await client.produce('one', values('after'))
    expect((await readAll('one', [0])).map(({ value }) => String(value))).toEqual(['before', 'after'])
  })

  it('finds offsets by word and by time', async () => {
    await client.produce('one', [
      { value: null, timestamp: 1000 },
      { value: null, timestamp: 3000 },
      { value: null, timestamp: 2000 },
    ])
    const at = ['earliest', 'latest', 'max-timestamp', 1500, 9000] as const
    const found = await client.offsets(at.map((one) => ({ topic: 'one', partition: 0, at: one })))
    expect(found.map(({ offset }) => offset)).toEqual([0, 3, 1, 1, -1])
    expect(found[3]).toMatchObject({ timestamp: 3000 })
    await expect(client.offsets([{ topic: 'one', partition: 7, at: 'latest' }])).rejects.toThrow('has no partition 7')
  })

  it('goes on reading as records come, until the signal', async () => {
    const stop = new AbortController()
    const seen: string[] = []
    const reading = (async () => {
      for await (const { value } of client.records([{ topic: 'one', partition: 0, offset: 0 }], {
        signal: stop.signal,
      })) {
        seen.push(String(value))
        if (seen.length === 2) stop.abort()
      }
    })()
    await client.produce('one', values('a'))
    await client.produce('one', values('b'))
    await reading
    expect(seen).toEqual(['a', 'b'])
  })

  it('says so where the offset is out of range, or begins elsewhere', async () => {
    await client.produce('one', values('a'))
    const position = { topic: 'one', partition: 0, offset: 10, endOffset: 11 }
    await expect(collect(client.records([position]))).rejects.toThrow('one-0 at 10: OFFSET_OUT_OF_RANGE')
    const again = client.records([position], { outOfRange: 'earliest' })
    expect((await again.next()).value).toMatchObject({ offset: 0 })
    await again.return()
  })

  it('a fetch that waits holds up nothing else, and ends with the client', async () => {
    const waiting = client.records([{ topic: 'one', partition: 0, offset: 0 }], { maxWaitMs: 5000 }).next()
    await client.produce('one', values('a'))
    expect((await waiting).value).toMatchObject({ offset: 0 })
    const never = client.records([{ topic: 'one', partition: 0, offset: 1 }], { maxWaitMs: 5000 }).next()
    await client.offsets([{ topic: 'one', partition: 0, at: 'latest' }])
    const refused = expect(never).rejects.toThrow('closed')
    await client.close()
    await refused
    await expect(client.cluster()).rejects.toMatchObject({ kind: 'closed' })
  })

  it('requests that begin together share a connection, and none is left open behind a client that was closed', async () => {
    let dials = 0
    const dialer = {
      dial: (...[host, port, signal]: Parameters<typeof nodeDialer.dial>) => {
        dials++
        return nodeDialer.dial(host, port, signal)
      },
    }
    const options = { bootstrapServers: broker.brokers[0]!.address }
    const other = await KafkaClient.connect(options, { ...nodeDependencies, dialer })
    await other.cluster()
    await Promise.all(Array.from({ length: 5 }, () => other.send(ListGroups, NO_FILTER, { brokerId: 2 })))
    expect(dials).toBe(2)
    await other.close()
  })

  it('sends group requests to the coordinator of the group', async () => {
    const answer = await client.send(ListGroups, NO_FILTER, { group: 'readers' })
    expect(answer).toMatchObject({ errorCode: 0, groups: [] })
  })

  it('creates topics through the controller, and leaves errors to the caller', async () => {
    const topic = { name: 'one', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const { topics } = await client.send(CreateTopics, { topics: [topic], timeoutMs: 1000 }, 'controller')
    expect(topics[0]!.errorCode).toBe(36)
  })

  it('uses the newest version that both sides have, and no newer than told', async () => {
    expect(await client.versionOf(Fetch)).toBe(Fetch.versions.max)
    expect(await client.versionOf(Fetch, 'any', 12)).toBe(12)
    await expect(
      client.send(StreamsGroupDescribe, { groupIds: ['g'], includeAuthorizedOperations: false }),
    ).rejects.toThrow(/does not serve StreamsGroupDescribe/)
  })
})

describe('a server that is not there, or not Kafka', () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  /** Answers whatever comes with these bytes. */
  function answering(bytes: Buffer | null): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => (bytes === null ? socket.destroy() : socket.end(bytes)))
    })
    servers.push(server)
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(server.address() as { port: number }).port}`))
    })
  }

  it.each([
    ['nothing', '127.0.0.1:1', /127\.0\.0\.1:1: nothing listens there/],
    ['an unknown name', 'no.such.host.invalid:9092', /no\.such\.host\.invalid:9092: (nobody knows|the name server)/],
  ])('%s', async (_what, bootstrapServers, message) => {
    await expect(connectClient({ bootstrapServers })).rejects.toThrow(message)
  })

  it.each([
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'the answer is HTTP'],
    ['TLS', Buffer.from('15030300020246', 'hex'), 'the answer is TLS'],
    ['a frame too large', Buffer.from('7fffffff00000001', 'hex'), 'a reply of 2147483647 bytes was announced'],
    ['an answer to something else', Buffer.from('00000006000000630000', 'hex'), 'request 99 came where 1 was asked'],
    ['nothing but the end', null, 'lost|closed the connection'],
  ])('%s', async (_what, bytes, message) => {
    const bootstrapServers = await answering(bytes)
    await expect(connectClient({ bootstrapServers })).rejects.toThrow(new RegExp(message))
  })

  it('an answer that never comes', async () => {
    const silent = createServer(() => {})
    servers.push(silent)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const bootstrapServers = `127.0.0.1:${(silent.address() as { port: number }).port}`
    await expect(connectClient({ bootstrapServers, connectTimeoutMs: 50 })).rejects.toThrow('no answer to ApiVersions')
  })

  it('an advertised name that nobody knows is said at once, with whose it is and what to do', async () => {
    const strange = await startBroker({ config: { 'advertised.listeners': 'PLAINTEXT://no.such.host.invalid:9092' } })
    const bootstrapServers = `127.0.0.1:${strange.listeners[0]!.port}`
    const other = await connectClient({ bootstrapServers })
    const asked = other.send(ListGroups, NO_FILTER, { brokerId: 1 })
    // Without a network a name server may not answer at all.
    await expect(asked).rejects.toThrow(
      /broker 1 advertises no\.such\.host\.invalid:9092: (?:nobody knows|the name server).*; odradek doctor 127/,
    )
    await other.close()
    await strange.close()
  })

  it('is passed over for one that answers', async () => {
    const bootstrapServers = `127.0.0.1:1,${broker.bootstrapServers}`
    const second = await connectClient({ bootstrapServers })
    expect((await second.cluster()).brokers).toHaveLength(3)
    await second.close()
  })
})
