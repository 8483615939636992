import assert from 'node:assert/strict'
import type { Api, Encodable } from '../../protocol/codec/schema.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { apis } from '../../protocol/messages/all.ts'
import { ClientError } from '../client.ts'
import { type Scenario, type ScenarioContext, settled } from '../scenario.ts'
import { framed, requestBytes, WireConnection } from '../wire.ts'
import { endOffset, newTopic } from './records.ts'

export const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const NAMED = { clientSoftwareName: 'wire', clientSoftwareVersion: '1.0' }

export async function onWire(context: ScenarioContext, use: (wire: WireConnection) => Promise<void>): Promise<void> {
  const wire = await WireConnection.open(context.host, context.port)
  try {
    await use(wire)
  } finally {
    wire.close()
  }
}

/** Sends bytes on a connection of their own and asserts that the broker hangs up without a word. */
async function assertHangsUp(context: ScenarioContext, what: string, bytes: Buffer): Promise<void> {
  await onWire(context, async (wire) => {
    wire.write(bytes)
    assert.equal(await wire.outcome(10_000), 'closed', what)
  })
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function header(key: number, version: number, correlationId: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeInt16BE(key, 0)
  bytes.writeInt16BE(version, 2)
  bytes.writeInt32BE(correlationId, 4)
  return bytes
}

/** A topic whose partitions answer: Kafka's are not led yet (error 6) when the topic is already described. */
export async function usableTopic(
  context: ScenarioContext,
  prefix: string,
  partitions = 1,
  configs: Record<string, string> = {},
): Promise<string> {
  const topic = await newTopic(context, prefix, partitions, configs)
  for (let partition = 0; partition < partitions; partition++) {
    await settled(context, `${topic}-${partition} answers`, () =>
      endOffset(context.client, topic, partition).catch((error) => {
        if (error instanceof ClientError && error.code === 6) return undefined
        throw error
      }),
    )
  }
  return topic
}

/** A Metadata request that creates nothing and asks for nothing more than it is told to. */
export function metadataRequest(
  topics: readonly { name?: string | null; topicId?: string }[] | null,
  fields: object = {},
) {
  return {
    topics: topics?.map((each) => ({ topicId: ZERO_ID, name: null, ...each })) ?? null,
    // Versions before 4 know only true.
    allowAutoTopicCreation: topics === null || topics.length === 0,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
    ...fields,
  }
}

interface FetchPartition {
  partition: number
  fetchOffset: number
  partitionMaxBytes: number
  currentLeaderEpoch?: number
}

/** A Fetch of one topic, without a session unless told otherwise. */
export function fetchRequest(topic: string, partitions: FetchPartition[], fields: object = {}) {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1_000_000,
    sessionId: 0,
    sessionEpoch: -1,
    topics: partitions.length === 0 ? [] : [{ topic, partitions }],
    forgottenTopicsData: [],
    rackId: '',
    ...fields,
  }
}

export const wireProtocolScenarios: Scenario[] = [
  {
    name: 'wire-api-versions',
    fixture: 'shared',
    async run(context) {
      await onWire(context, async (wire) => {
        for (let version = 0; version <= 4; version++) {
          const answer = await wire.ask(ApiVersions, version, NAMED)
          assert.equal(answer.errorCode, 0)
          const keys = answer.apiKeys.map(({ apiKey }) => apiKey)
          assert.deepEqual(
            keys,
            [...keys].sort((a, b) => a - b),
            'ascending',
          )
          for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) {
            assert.ok(minVersion <= maxVersion, `versions of ${apiKey}`)
          }
          const produce = answer.apiKeys.find(({ apiKey }) => apiKey === 0)
          // Down to 0, although 0 to 2 hang up: librdkafka switches compression off without them.
          assert.deepEqual([produce?.minVersion, produce?.maxVersion], [0, 13])
        }
        const third = await wire.ask(ApiVersions, 3, NAMED)
        for (const feature of third.supportedFeatures)
          assert.ok(feature.minVersion >= 1, 'a minimum of 0 breaks Java clients of 3.x')
        assert.ok(third.finalizedFeatures.some(({ name }) => name === 'metadata.version'))
        assert.ok(third.finalizedFeaturesEpoch >= 0)
        const refused = await wire.ask(ApiVersions, 3, { ...NAMED, clientSoftwareName: '-not legal-' })
        assert.equal(refused.errorCode, 42, 'a client name with other characters')
        assert.deepEqual(refused.apiKeys, [])
      })
    },
  },
  {
    name: 'wire-api-versions-of-the-future',
    fixture: 'shared',
    async run(context) {
      await onWire(context, async (wire) => {
        for (const version of [5, 99]) {
          const noClientId = Buffer.from([0xff, 0xff, 0])
          wire.write(framed(Buffer.concat([header(18, version, 7), noClientId, Buffer.from('what nobody knows yet')])))
          // Layout 0: correlation id, error 35, one entry {18, 0, 4}.
          assert.equal((await wire.frame()).toString('hex'), '00000007002300000001001200000004')
        }
        // The same connection goes on.
        assert.equal((await wire.ask(ApiVersions, 4, NAMED)).errorCode, 0)
      })
    },
  },
  {
    name: 'wire-hangs-up-on-nonsense',
    fixture: 'shared',
    async run(context) {
      const good = requestBytes(Metadata, 9, metadataRequest([]))
      await assertHangsUp(context, 'a negative size', int32(-1))
      await assertHangsUp(context, 'a size of 0', int32(0))
      await assertHangsUp(context, 'more than socket.request.max.bytes', int32(104_857_601))
      await assertHangsUp(context, 'a TLS greeting', Buffer.from('16030100f4010000f00303', 'hex'))
      await assertHangsUp(context, 'an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
      await assertHangsUp(
        context,
        'an unknown API',
        framed(Buffer.concat([header(200, 0, 1), Buffer.from([0xff, 0xff])])),
      )
      await assertHangsUp(context, 'Produce version 2', framed(Buffer.concat([header(0, 2, 1), Buffer.alloc(20)])))
      await assertHangsUp(context, 'a version to come', framed(Buffer.concat([header(3, 14, 1), good.subarray(8)])))
      await assertHangsUp(context, 'half a request', framed(good.subarray(0, good.length - 3)))
      // The frame is whole, but it claims an array of 2^31 - 1 topics.
      const counts = Buffer.concat([header(3, 1, 1), Buffer.from([0, 0]), int32(0x7fffffff)])
      await assertHangsUp(context, 'an array longer than the frame', framed(counts))
    },
  },
  {
    name: 'wire-tolerates',
    fixture: 'shared',
    async run(context) {
      await onWire(context, async (wire) => {
        const ask = async (what: string, bytes: Buffer, correlationId: number) => {
          wire.write(framed(bytes))
          assert.equal((await wire.frame()).readInt32BE(0), correlationId, what)
        }
        const request = metadataRequest([])
        await ask('a client id of null', requestBytes(Metadata, 1, request, 5, null), 5)
        await ask('a negative correlation id', requestBytes(Metadata, 9, request, -77), -77)
        await ask(
          'bytes after the request',
          Buffer.concat([requestBytes(Metadata, 9, request, 6), Buffer.from('more')]),
          6,
        )
        const bytes = requestBytes(Metadata, 9, request, 8)
        const withTag = Buffer.concat([bytes.subarray(0, bytes.length - 1), Buffer.from([1, 99, 3, 1, 2, 3])])
        await ask('an unknown tagged field', withTag, 8)
      })
      // A request that arrives a byte at a time.
      await onWire(context, async (wire) => {
        for (const byte of framed(requestBytes(ApiVersions, 0, {}, 3))) wire.write(Buffer.from([byte]))
        assert.equal((await wire.frame()).readInt32BE(0), 3)
      })
    },
  },
  {
    name: 'wire-answers-in-order',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'parked')
      await onWire(context, async (wire) => {
        // minBytes never come: it waits for its whole time.
        const parked = (maxWaitMs: number) =>
          fetchRequest(topic, [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }], { maxWaitMs })
        const sent = [wire.send(Fetch, 12, parked(700)), wire.send(ApiVersions, 0, {})]
        for (let version = 0; version <= 9; version++) sent.push(wire.send(Metadata, version, metadataRequest([])))
        sent.push(wire.send(Fetch, 12, parked(200)), wire.send(ApiVersions, 4, NAMED))
        for (const correlationId of sent) assert.equal((await wire.frame()).readInt32BE(0), correlationId)
      })
    },
  },
  {
    name: 'wire-every-version-of-reading-apis',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'versions')
      const requests = readingRequests(topic, context.unique('group'))
      await onWire(context, async (wire) => {
        const advertised = await wire.ask(ApiVersions, 4, NAMED)
        for (const { apiKey, minVersion, maxVersion } of advertised.apiKeys) {
          const api = apis.find(({ key }) => key === apiKey)
          const request = requests.get(apiKey)
          if (api === undefined || request === undefined) continue
          for (let version = minVersion; version <= maxVersion; version++)
            await askPlainly(wire, api, version, request(version))
        }
      })
    },
  },
]

/** The answer must decode without a byte left over; what it says is for other scenarios. */
async function askPlainly(
  wire: WireConnection,
  api: Api,
  version: number,
  request: Encodable<Api['request']>,
): Promise<void> {
  await wire.ask(api, version, request).catch((error) => {
    throw new Error(`${api.name} version ${version}: ${error.message}`)
  })
}

type RequestOfVersion = (version: number) => Encodable<Api['request']>

/** Requests that change nothing, in every version of the APIs that only read. */
function readingRequests(topic: string, group: string): Map<number, RequestOfVersion> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  const indexes = [{ name: topic, partitionIndexes: [0] }]
  return new Map<number, RequestOfVersion>([
    [Metadata.key, () => metadataRequest([{ name: topic }], { allowAutoTopicCreation: true })],
    [2, () => ({ replicaId: -1, isolationLevel: 0, topics, timeoutMs: 1_000 })],
    [
      9,
      (version) =>
        version < 8 ? { groupId: group, topics: indexes } : { groups: [{ groupId: group, topics: indexes }] },
    ],
    [FindCoordinator.key, (version) => (version < 4 ? { key: group } : { coordinatorKeys: [group] })],
    [15, () => ({ groups: [group], includeAuthorizedOperations: false })],
    [16, () => ({ statesFilter: [], typesFilter: [] })],
    [ApiVersions.key, () => NAMED],
    [CreateTopics.key, () => ({ topics: [], timeoutMs: 1_000 })],
    [23, () => ({ topics: [{ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] }] })],
    [32, () => ({ resources: [{ resourceType: 2, resourceName: topic, configurationKeys: null }] })],
    [35, () => ({ topics: [{ topic, partitions: [0] }] })],
    [43, () => ({ electionType: 0, topicPartitions: [{ topic, partitions: [0] }] })],
    [46, () => ({ topics: null })],
    [DescribeCluster.key, () => ({ includeClusterAuthorizedOperations: true, includeFencedBrokers: false })],
    [61, () => ({ topics: indexes })],
    [74, () => ({ resourceTypes: [] })],
    [75, () => ({ topics: [{ name: topic }], cursor: null })],
  ])
}
