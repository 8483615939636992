import type { Api, Fields, RequestInputOf } from '../../../protocol/codec/schema.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { batchOf } from '../batches.ts'
import { spineApis } from '../spine.ts'
import { wireCases } from '../wire-case.ts'
import { ConnectionClosed, decodeAnswer, frameOf, sleep, type WireClient } from '../wire-client.ts'
import type { WireTest } from '../wire-test.ts'

function size(bytes: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(bytes)
  return buffer
}

/** Key, version, correlation id 1 and the client id `wire`, then the body. */
function request(key: number, version: number, body: Buffer): Buffer {
  const header = Buffer.alloc(8)
  header.writeInt16BE(key, 0)
  header.writeInt16BE(version, 2)
  header.writeInt32BE(1, 4)
  return frameOf(Buffer.concat([header, Buffer.from('000477697265', 'hex'), body]))
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

async function closes(test: WireTest, bytes: Buffer): Promise<void> {
  const client = await test.client()
  client.write(bytes)
  await client.closedByBroker()
  test.same(client.strayFrames, 0, 'answers before the end')
}

async function answered<Q extends Fields, S extends Fields>(
  client: WireClient,
  api: Api<Q, S>,
  version: number,
  bytes: Buffer,
) {
  client.write(bytes)
  return decodeAnswer(api, version, 1, await client.nextFrame(`the answer to ${api.name}`))
}

const apiVersionsV0 = (client: WireClient, correlationId: number) =>
  frameOf(client.requestBytes(ApiVersions, 0, {}, { correlationId }))

function emptyFetch(maxWaitMs: number): RequestInputOf<typeof Fetch> {
  return { maxWaitMs, minBytes: 1, maxBytes: 1000, topics: [], forgottenTopicsData: [] }
}

export const framingCases = wireCases('framing', (wireCase) => {
  const hostile: readonly (readonly [string, Buffer])[] = [
    ['a frame of size -1', size(-1)],
    ['a frame of size -2147483648', size(-2147483648)],
    ['a frame of size 0', size(0)],
    ['a frame shorter than a header', Buffer.concat([size(5), hex('0012000000')])],
    ['a frame one byte above socket.request.max.bytes', size(104857601)],
    ['a frame of 2147483647 bytes', size(2147483647)],
    ['trap 16: an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['trap 16: a TLS client hello', hex('160301 0200 010001fc0303')],
    ['an API key nobody knows', request(200, 0, hex(''))],
    ['a negative API key', request(-1, 0, hex(''))],
    ['LeaderAndIsr, which 4.0 removed', request(4, 0, hex(''))],
    ['StopReplica, which 4.0 removed', request(5, 0, hex(''))],
    ['UpdateMetadata, which 4.0 removed', request(6, 0, hex(''))],
    ['ControlledShutdown, which 4.0 removed', request(7, 3, hex(''))],
    ['Vote, which is for controllers', request(52, 0, hex('00 00 01 00'))],
    ['BrokerHeartbeat, which is for controllers', request(63, 0, hex('00'))],
    ['a body that ends too early', request(3, 4, hex('0000'))],
    ['a header that ends within the client id', frameOf(hex('0003 0004 00000001 0010 61'))],
    ['an array longer than the frame', request(15, 0, hex('7fffffff'))],
    ['an array that must not be null', request(15, 0, hex('ffffffff'))],
    ['a compact array that must not be null', request(15, 5, hex('00 00 00 00'))],
    ['a string longer than the frame', request(15, 0, hex('00000001 7fff 61'))],
    ['a string that must not be null', request(15, 0, hex('00000001 ffff'))],
    [
      'a compact string above 32767 bytes',
      request(15, 5, Buffer.concat([hex('00 02 818002'), Buffer.alloc(32768, 97), hex('00 00')])),
    ],
    ['a varint of six bytes', request(15, 5, hex('00 808080808001 00 00'))],
    ['a tag section longer than the frame', request(18, 3, hex('00 02 61 02 31 01 7b ff01 61'))],
    ['header tags that end too early', request(18, 3, hex('05'))],
  ]
  for (const [what, bytes] of hostile) {
    wireCase(`${what} closes the connection without an answer`, (test) => closes(test, bytes))
  }

  for (const api of spineApis) {
    const newest = api.latestVersionUnstable ? api.versions.max - 1 : api.versions.max
    const versions = [
      ...(api.key === 18 ? [] : [newest + 1, 32767]),
      ...(api.versions.min > 0 ? [api.versions.min - 1] : []),
    ]
    if (versions.length === 0) continue
    wireCase(`trap 14: ${api.name} at ${versions.join(', ')} closes the connection`, async (test) => {
      for (const version of versions) {
        const client = await test.connect()
        client.write(request(api.key, version, Buffer.alloc(64)))
        await client.closedByBroker()
        test.same(client.strayFrames, 0, 'answers before the end')
      }
    })
  }
  for (const version of [0, 1]) {
    wireCase(`Produce v${version} closes the connection although it is advertised`, (test) =>
      closes(test, request(0, version, hex('0001 00000000 00000000'))),
    )
  }

  wireCase(
    'trap 7: a tag that only a later version defines closes the connection (Fetch v12 with tag 1)',
    async (test) => {
      const body = hex('00 ffffffff 00000000 00000001 000003e8 00 00000000 ffffffff 01 01 01 01 01 04 ffffffff')
      await closes(test, request(1, 12, body))
    },
  )

  wireCase('unknown tags in the header and in the body are skipped', async (test) => {
    const client = await test.client()
    const body = hex('02 05 03 aabbcc c801 00 02 61 02 31 01 7b 04 00010203')
    const { errorCode } = await answered(client, ApiVersions, 3, request(18, 3, body))
    test.same(errorCode, 0, 'error')
  })

  wireCase('unknown tags in the elements of an array are skipped', async (test) => {
    const client = await test.client()
    const topic = test.unique('nowhere')
    const name = Buffer.concat([Buffer.from([topic.length + 1]), Buffer.from(topic)])
    const body = Buffer.concat([hex('00 02'), name, hex('01 63 02 beef'), hex('00 00 00 00')])
    const { topics } = await answered(client, Metadata, 9, request(3, 9, body))
    test.same([topics[0]!.errorCode, topics[0]!.name], [3, topic], 'error and name')
  })

  wireCase('bytes behind the body are ignored', async (test) => {
    const client = await test.client()
    for (const version of [0, 3]) {
      const bytes = client.requestBytes(
        ApiVersions,
        version,
        { clientSoftwareName: 'a', clientSoftwareVersion: '1' },
        { correlationId: 1 },
      )
      const { errorCode } = await answered(
        client,
        ApiVersions,
        version,
        frameOf(Buffer.concat([bytes, Buffer.alloc(100, 0xee)])),
      )
      test.same(errorCode, 0, 'error')
    }
  })

  for (const clientId of [null, '', 'ü'.repeat(200), 'x'.repeat(32767)]) {
    const shownId = clientId === null ? 'null' : `of ${Buffer.byteLength(clientId)} bytes`
    wireCase(
      `${clientId === null ? 'trap 5: ' : ''}a client id ${shownId} is accepted in both header versions`,
      async (test) => {
        const client = await test.connect(clientId)
        await client.call(Metadata, 0, { topics: [{ name: test.unique('x') }] })
        const answer = await client.call(Metadata, 12, { topics: [], includeTopicAuthorizedOperations: false })
        test.same(answer.topics, [], 'topics')
      },
    )
  }

  wireCase('a correlation id may be negative, 0, or used again', async (test) => {
    const client = await test.client()
    for (const correlationId of [-1, -2147483648, 0, 2147483647, 7, 7]) {
      const { errorCode } = await client.call(ApiVersions, 0, {}, { correlationId })
      test.same(errorCode, 0, 'error')
    }
  })

  wireCase('trap 15: Metadata may be the first request of a connection', async (test) => {
    const { brokers } = await test.call(Metadata, 1, { topics: [] })
    test.same(brokers.length, 1, 'brokers')
  })

  wireCase('a frame may come byte by byte', async (test) => {
    const client = await test.client()
    const bytes = frameOf(
      client.requestBytes(Metadata, 4, { topics: [], allowAutoTopicCreation: false }, { correlationId: 9 }),
    )
    for (const byte of bytes) {
      client.write(Buffer.from([byte]))
      await sleep(1)
    }
    decodeAnswer(Metadata, 4, 9, await client.nextFrame('the answer'))
  })

  wireCase('the end of one frame and the start of the next may share a packet', async (test) => {
    const client = await test.client()
    const both = Buffer.concat([apiVersionsV0(client, 1), apiVersionsV0(client, 2)])
    const cut = both.length / 2 + 3
    client.write(both.subarray(0, cut))
    await sleep(20)
    client.write(both.subarray(cut))
    decodeAnswer(ApiVersions, 0, 1, await client.nextFrame('the first answer'))
    decodeAnswer(ApiVersions, 0, 2, await client.nextFrame('the second answer'))
  })

  wireCase('trap 11: two hundred requests in one packet are answered in their order', async (test) => {
    const client = await test.client()
    const ids = Array.from({ length: 200 }, (_, index) => 1000 - index)
    client.write(Buffer.concat(ids.map((id) => apiVersionsV0(client, id))))
    for (const id of ids) decodeAnswer(ApiVersions, 0, id, await client.nextFrame(`answer ${id}`))
  })

  wireCase('trap 11: an answer that is ready waits for the parked Fetch before it', async (test) => {
    const client = await test.client()
    const topic = await test.topic()
    const fetch = {
      ...emptyFetch(400),
      topics: [{ topic: topic.name, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    }
    client.write(frameOf(client.requestBytes(Fetch, 4, fetch, { correlationId: 50 })))
    client.write(apiVersionsV0(client, 51))
    decodeAnswer(Fetch, 4, 50, await client.nextFrame('the first answer'))
    decodeAnswer(ApiVersions, 0, 51, await client.nextFrame('the second answer'))
  })

  wireCase('what another connection sends is answered while one is parked', async (test) => {
    const topic = await test.topic()
    const parked = (await test.connect()).call(Fetch, 4, {
      ...emptyFetch(1000),
      topics: [{ topic: topic.name, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    })
    let isAnswered = false
    const done = parked.then(() => {
      isAnswered = true
    })
    await test.call(ApiVersions, 0, {})
    test.same(isAnswered, false, 'the parked fetch was answered first')
    await done
  })

  wireCase('trap 12: acks=0 is not answered and does not count', async (test) => {
    const client = await test.client()
    const { name } = await test.topic()
    for (const version of [3, 9, 12]) {
      const produce = {
        acks: 0,
        timeoutMs: 1000,
        topicData: [{ name, partitionData: [{ index: 0, records: batchOf(1) }] }],
      }
      client.write(frameOf(client.requestBytes(Produce, version, produce, { correlationId: 5 })))
      await client.call(ApiVersions, 0, {}, { correlationId: 6 })
    }
    test.same(client.strayFrames, 0, 'answers too many')
  })

  const mistakes: readonly (readonly [string, (name: string) => { name: string; index: number; records: Buffer }])[] = [
    ['an unknown topic', (name) => ({ name: `${name}-not`, index: 0, records: batchOf(1) })],
    ['an unknown partition', (name) => ({ name, index: 9, records: batchOf(1) })],
    ['a batch that is refused', (name) => ({ name, index: 0, records: batchOf(1, { baseOffset: 3 }) })],
  ]
  for (const [what, mistake] of mistakes) {
    wireCase(`trap 13: acks=0 with ${what} closes the connection`, async (test) => {
      const client = await test.connect()
      const { name, index, records } = mistake((await test.topic()).name)
      const produce = { acks: 0, timeoutMs: 1000, topicData: [{ name, partitionData: [{ index, records }] }] }
      client.write(frameOf(client.requestBytes(Produce, 9, produce)))
      await client.closedByBroker()
      test.same(client.strayFrames, 0, 'answers before the end')
    })
  }

  wireCase(
    'requests that were complete before a hostile frame are answered, then the connection closes',
    async (test) => {
      const client = await test.client()
      client.write(apiVersionsV0(client, 1))
      decodeAnswer(ApiVersions, 0, 1, await client.nextFrame('the first answer'))
      client.write(request(200, 0, hex('')))
      await client.closedByBroker()
      const after = client.call(ApiVersions, 0, {}).then(
        () => 'answered',
        (error: unknown) => (error instanceof ConnectionClosed ? 'closed' : String(error)),
      )
      test.same(await after, 'closed', 'the next request')
    },
  )

  wireCase('a length of -2 where -1 stands for null (Metadata v1)', async (test) => {
    const client = await test.client()
    const outcome = await answered(client, Metadata, 1, request(3, 1, hex('fffffffe'))).then(
      ({ brokers }) => brokers.length,
      (error: unknown) => (error instanceof ConnectionClosed ? 'closed' : String(error)),
    )
    const expected = test.differs({
      kafka: 1,
      odradek: 'closed',
      why: 'a count that nobody writes is a mistake, not null',
    })
    test.same(outcome, expected, 'the answer')
  })

  wireCase('the header of a flexible request keeps its int16 client id', async (test) => {
    const client = await test.client()
    const { groups } = await answered(client, DescribeGroups, 5, request(15, 5, hex('00 01 00 00')))
    test.same(groups, [], 'groups')
  })

  wireCase('trap 6: a flexible answer has its tag sections, a byte of 0 each, and nothing else', async (test) => {
    const client = await test.client()
    const topic = await test.topic()
    const name = Buffer.concat([Buffer.from([topic.name.length + 1]), Buffer.from(topic.name)])
    const body = Buffer.concat([hex('00 02'), Buffer.alloc(16), name, hex('00 00 00 00')])
    client.write(request(3, 12, body))
    const frame = await client.nextFrame('the answer to Metadata')
    // Partitions, then their three lists of brokers (one, one and none), the tags of the partition, what one may do, the
    // tags of the topic and those of the message.
    const tail = hex('02 0000 00000000 00000001 00000000 02 00000001 02 00000001 01 00 80000000 00 00')
    test.same(frame.subarray(frame.length - tail.length), tail, 'the end of the answer')
  })

  wireCase(
    'trap 17: idle connections are closed, one that waits for its answer is not',
    async (test) => {
      const topic = await test.topic()
      const [idle, waiting] = [await test.connect(), await test.connect()]
      const topics = [{ topic: topic.name, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
      const pending = waiting.call(Fetch, 4, { ...emptyFetch(4000), topics }).then(
        () => 'answered',
        (error: unknown) => (error instanceof ConnectionClosed ? 'closed' : String(error)),
      )
      await idle.closedByBroker()
      const expected = test.differs({ kafka: 'closed', odradek: 'answered', why: 'whoever waits for us is not idle' })
      test.same(await pending, expected, 'the waiting one')
    },
    'impatient',
  )

  wireCase('a frame above socket.request.max.bytes is not read', (test) => closes(test, size(200_001)), 'tuned')
})
