import assert from 'node:assert/strict'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from '../../protocol/messages/21-delete-records.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { CreatePartitions } from '../../protocol/messages/37-create-partitions.ts'
import { ElectLeaders } from '../../protocol/messages/43-elect-leaders.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { DescribeTopicPartitions } from '../../protocol/messages/75-describe-topic-partitions.ts'
import { differs, type Scenario, type ScenarioContext, settled } from '../scenario.ts'
import { newTopic } from './records.ts'
import { metadataRequest, onWire, usableTopic, ZERO_ID } from './wire-protocol.ts'

const UNKNOWN_ID = 'AAAAAAAAAAAAAAAAAAAAQg'
const TOPIC = 2
const BROKER = 4

function newTopicRequest(name: string, fields: object = {}) {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...fields }
}

export const wireAdminScenarios: Scenario[] = [
  {
    name: 'wire-metadata',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'asked', 2)
      await onWire(context, async (wire) => {
        assert.deepEqual((await wire.ask(Metadata, 1, metadataRequest([]))).topics, [], 'an empty list is no topic')
        assert.ok(
          (await wire.ask(Metadata, 1, metadataRequest(null))).topics.some(({ name }) => name === topic),
          'null is all',
        )
        assert.ok(
          (await wire.ask(Metadata, 0, metadataRequest([]))).topics.some(({ name }) => name === topic),
          'empty is all in version 0',
        )
        const known = await wire.ask(
          Metadata,
          13,
          metadataRequest([{ name: topic }], { includeTopicAuthorizedOperations: true }),
        )
        const [found] = known.topics
        assert.deepEqual([known.errorCode, found?.errorCode, found?.name, found?.isInternal], [0, 0, topic, false])
        assert.equal(found?.topicAuthorizedOperations, 3_576)
        assert.deepEqual(found?.partitions.map(({ partitionIndex }) => partitionIndex).sort(), [0, 1])
        assert.ok(known.brokers.some(({ nodeId }) => nodeId === known.controllerId))
        assert.match(known.clusterId ?? '', /^[\w-]{22}$/)
        const topicId = found?.topicId ?? ''
        const byId = await wire.ask(Metadata, 12, metadataRequest([{ topicId }]))
        assert.deepEqual([byId.topics[0]?.errorCode, byId.topics[0]?.name], [0, topic])
        const unknownId = await wire.ask(Metadata, 12, metadataRequest([{ topicId: UNKNOWN_ID }]))
        const [missing] = unknownId.topics
        assert.deepEqual([missing?.errorCode, missing?.name, missing?.topicId], [100, null, UNKNOWN_ID])
        const code = async (name: string) =>
          (await wire.ask(Metadata, 12, metadataRequest([{ name }]))).topics[0]?.errorCode
        assert.equal(await code(context.unique('nowhere')), 3)
        assert.equal(await code('not legal!'), 17)
        const both = await wire.ask(Metadata, 12, metadataRequest([{ name: topic }, { name: topic }]))
        assert.equal(both.topics.length, 1, 'a name twice is answered once')
      })
    },
  },
  {
    name: 'wire-metadata-creates-topics',
    fixture: 'shared',
    async run(context) {
      await onWire(context, async (wire) => {
        const name = context.unique('made')
        const wanted = differs(context, {
          kafka: 3,
          odradek: 0,
          why: 'the Metadata request that creates a topic is answered when it is there, not with error 3 before',
        })
        const [first] = (await wire.ask(Metadata, 9, metadataRequest([{ name }], { allowAutoTopicCreation: true })))
          .topics
        assert.equal(first?.errorCode, wanted)
        assert.equal(first?.partitions.length, wanted === 0 ? 1 : 0)
        await settled(context, `${name} can be used`, async () => {
          const [found] = (await wire.ask(Metadata, 9, metadataRequest([{ name }]))).topics
          return found?.errorCode === 0 ? true : undefined
        })
      })
    },
  },
  {
    name: 'wire-create-topics',
    fixture: 'shared',
    async run(context) {
      const existing = await usableTopic(context, 'existing')
      await onWire(context, async (wire) => {
        const create = async (topics: ReturnType<typeof newTopicRequest>[], validateOnly = false) =>
          (await wire.ask(CreateTopics, 7, { topics, timeoutMs: 10_000, validateOnly })).topics
        const refused = async (fields: object) =>
          (await create([newTopicRequest(context.unique('refused'), fields)]))[0]?.errorCode
        const config = (name: string, value: string | null) => ({ configs: [{ name, value }] })
        const assigned = (...brokerIds: number[][]) => ({
          numPartitions: -1,
          replicationFactor: -1,
          assignments: brokerIds.map((ids, partitionIndex) => ({ partitionIndex, brokerIds: ids })),
        })
        assert.equal(await refused({ name: existing }), 36)
        assert.equal(await refused({ name: 'not legal!' }), 17)
        assert.equal(await refused({ name: '..' }), 17)
        assert.equal(await refused({ name: 'x'.repeat(250) }), 17)
        assert.equal(await refused({ numPartitions: 0 }), 37)
        assert.equal(await refused({ numPartitions: -2 }), 37)
        assert.equal(await refused({ replicationFactor: 0 }), 38)
        assert.equal(await refused({ replicationFactor: 3 }), 38)
        assert.equal(await refused(config('no.such.config', '1')), 40)
        assert.equal(await refused(config('retention.ms', 'abc')), 40)
        assert.equal(await refused(config('retention.ms', null)), 40)
        assert.equal(await refused({ ...assigned([1]), numPartitions: 1 }), 42)
        assert.equal(await refused(assigned([4_711])), 39, 'a broker nobody knows')
        const twice = context.unique('twice')
        const doubled = await create([newTopicRequest(twice), newTopicRequest(twice)])
        assert.deepEqual(
          doubled.map(({ errorCode }) => errorCode),
          [42],
        )
        const [good, bad] = [context.unique('good'), context.unique('bad')]
        const mixed = await create([
          newTopicRequest(bad, { numPartitions: 0 }),
          newTopicRequest(good, { numPartitions: -1, replicationFactor: -1 }),
        ])
        const made = mixed.find(({ name }) => name === good)
        assert.equal(mixed.find(({ name }) => name === bad)?.errorCode, 37)
        assert.deepEqual([made?.errorCode, made?.numPartitions, made?.replicationFactor], [0, 1, 1])
        const names = made?.configs?.map(({ name }) => name) ?? []
        const isOurs = (name: string) => name.startsWith('odradek.')
        const wantedOrder = [...names.filter((name) => !isOurs(name)).sort(), ...names.filter(isOurs)]
        assert.deepEqual(names, wantedOrder, 'configs sorted by name, those Kafka does not have after its own')
        assert.ok(names.length >= 30, `all configs, not only ${names.length}`)
        const [dry] = await create([newTopicRequest(context.unique('dry'))], true)
        assert.equal(dry?.errorCode, 0)
      })
    },
  },
  {
    name: 'wire-delete-topics',
    fixture: 'shared',
    async run(context) {
      const [byName, byId] = [await newTopic(context, 'by-name'), await newTopic(context, 'by-id')]
      const topicId = await idOf(context, byId)
      await onWire(context, async (wire) => {
        const remove = async (...topics: { name?: string | null; topicId?: string }[]) =>
          (
            await wire.ask(DeleteTopics, 6, {
              topics: topics.map((each) => ({ topicId: ZERO_ID, name: null, ...each })),
              timeoutMs: 10_000,
            })
          ).responses
        const [named] = await remove({ name: byName })
        assert.deepEqual([named?.errorCode, named?.name], [0, byName])
        const [identified] = await remove({ topicId })
        assert.deepEqual([identified?.errorCode, identified?.name, identified?.topicId], [0, byId, topicId])
        assert.equal((await remove({ name: byName }))[0]?.errorCode, 3)
        const [unknown] = await remove({ topicId: UNKNOWN_ID })
        assert.deepEqual([unknown?.errorCode, unknown?.name, unknown?.topicId], [100, null, UNKNOWN_ID])
      })
    },
  },
  {
    name: 'wire-create-partitions-and-delete-records',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'grown', 2)
      const compacted = await usableTopic(context, 'compacted', 1, { 'cleanup.policy': 'compact' })
      await onWire(context, async (wire) => {
        const grow = async (name: string, count: number, fields: object = {}) => {
          const topics = [{ name, count, assignments: null, ...fields }]
          return (await wire.ask(CreatePartitions, 3, { topics, timeoutMs: 10_000, validateOnly: true })).results[0]
            ?.errorCode
        }
        assert.equal(await grow(topic, 3), 0)
        assert.equal(await grow(topic, 2), 37)
        assert.equal(await grow(topic, 1), 37)
        assert.equal(await grow(context.unique('nowhere'), 3), 3)
        assert.equal(await grow(topic, 4, { assignments: [{ brokerIds: [1] }] }), 39, 'an assignment for one of two')
        const trim = async (name: string, partitionIndex: number, offset: number) => {
          const topics = [{ name, partitions: [{ partitionIndex, offset }] }]
          const found = (await wire.ask(DeleteRecords, 2, { topics, timeoutMs: 10_000 })).topics[0]?.partitions[0]
          return [found?.errorCode, found?.lowWatermark]
        }
        assert.deepEqual(await trim(topic, 0, -1), [0, 0], '-1 is the high watermark')
        assert.deepEqual(await trim(topic, 0, 1), [1, -1], 'beyond it')
        assert.deepEqual(await trim(topic, 9, 0), [3, -1])
        assert.deepEqual(await trim(compacted, 0, -1), [44, -1], 'without the policy to delete')
      })
    },
  },
  {
    name: 'wire-configs',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'configured')
      await onWire(context, async (wire) => {
        const describe = async (
          resourceType: number,
          resourceName: string,
          configurationKeys: string[] | null = null,
        ) => {
          const resources = [{ resourceType, resourceName, configurationKeys }]
          const [found] = (
            await wire.ask(DescribeConfigs, 4, { resources, includeSynonyms: true, includeDocumentation: false })
          ).results
          assert.ok(found !== undefined)
          return found
        }
        const one = await describe(TOPIC, topic, ['segment.bytes', 'no.such.config'])
        assert.deepEqual(
          [one.errorCode, one.errorMessage, one.configs.map(({ name }) => name)],
          [0, '', ['segment.bytes']],
        )
        const [entry] = one.configs
        assert.deepEqual(
          [entry?.value, entry?.configSource, entry?.configType, entry?.readOnly],
          ['1073741824', 5, 3, false],
        )
        assert.deepEqual(entry?.synonyms, [{ name: 'log.segment.bytes', value: '1073741824', source: 5 }])
        assert.equal((await describe(TOPIC, context.unique('nowhere'))).errorCode, 3)
        assert.equal((await describe(TOPIC, 'not legal!')).errorCode, 17)
        assert.equal((await describe(BROKER, '4711')).errorCode, 42)
        assert.equal((await describe(BROKER, 'abc')).errorCode, 42)
        const alter = async (
          operations: { name: string; configOperation: number; value: string | null }[],
          resourceName = topic,
          times = 1,
        ) => {
          const resource = { resourceType: TOPIC, resourceName, configs: operations }
          const resources = Array.from({ length: times }, () => resource)
          const { responses } = await wire.ask(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
          return responses.map(({ errorCode }) => errorCode)
        }
        const set = (name: string, value: string | null) => ({ name, configOperation: 0, value })
        const retention = set('retention.ms', '5000')
        assert.deepEqual(await alter([set('retention.ms', null)]), [42], 'set to null')
        assert.deepEqual(await alter([retention, retention]), [42], 'a key twice')
        assert.deepEqual([...new Set(await alter([retention], topic, 2))], [42], 'a resource twice')
        assert.deepEqual(await alter([set('no.such.config', '1')]), [40])
        assert.deepEqual(
          await alter([{ name: 'retention.ms', configOperation: 2, value: '1' }]),
          [40],
          'append to what is no list',
        )
        assert.deepEqual(await alter([retention], context.unique('nowhere')), [3])
        assert.deepEqual(await alter([retention, set('segment.bytes', 'abc')]), [40], 'all or nothing')
        assert.equal((await describe(TOPIC, topic, ['retention.ms'])).configs[0]?.value, '604800000')
      })
    },
  },
  {
    name: 'wire-describe-topic-partitions',
    fixture: 'shared',
    async run(context) {
      const [first, second] = [await usableTopic(context, 'paged-a', 3), await usableTopic(context, 'paged-b', 2)]
      await onWire(context, async (wire) => {
        const ask = (
          names: string[],
          responsePartitionLimit: number,
          cursor: { topicName: string; partitionIndex: number } | null = null,
        ) =>
          wire.ask(DescribeTopicPartitions, 0, {
            topics: names.map((name) => ({ name })),
            responsePartitionLimit,
            cursor,
          })
        const all = await ask([second, first], 2_000)
        assert.deepEqual(
          all.topics.map(({ name, partitions }) => [name, partitions.length]),
          [
            [first, 3],
            [second, 2],
          ],
        )
        assert.equal(all.nextCursor, null)
        assert.equal(all.topics[0]?.topicAuthorizedOperations, 3_576)
        const page = await ask([first, second], 2)
        assert.deepEqual(
          page.topics.map(({ name, partitions }) => [name, partitions.length]),
          [[first, 2]],
        )
        assert.deepEqual([page.nextCursor?.topicName, page.nextCursor?.partitionIndex], [first, 2])
        const rest = await ask([first, second], 2_000, { topicName: first, partitionIndex: 2 })
        assert.deepEqual(
          rest.topics.map(({ name, partitions }) => [name, partitions.length]),
          [
            [first, 1],
            [second, 2],
          ],
        )
        assert.equal((await ask([context.unique('nowhere')], 10)).topics[0]?.errorCode, 3)
      })
    },
  },
  {
    name: 'wire-cluster-and-elections',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'elected')
      await onWire(context, async (wire) => {
        const cluster = await wire.ask(DescribeCluster, 2, {
          includeClusterAuthorizedOperations: false,
          includeFencedBrokers: true,
        })
        assert.deepEqual([cluster.errorCode, cluster.endpointType, cluster.brokers[0]?.isFenced], [0, 1, false])
        assert.equal(cluster.clusterAuthorizedOperations, -2_147_483_648, 'not asked for')
        const controllers = await wire.ask(DescribeCluster, 1, {
          includeClusterAuthorizedOperations: false,
          endpointType: 2,
        })
        assert.equal(controllers.errorCode, 114, 'controllers asked of a broker')
        const elect = (partition: number) =>
          wire.ask(ElectLeaders, 2, {
            electionType: 0,
            topicPartitions: [{ topic, partitions: [partition] }],
            timeoutMs: 5_000,
          })
        const needless = await elect(0)
        assert.equal(needless.replicaElectionResults[0]?.partitionResult[0]?.errorCode, 84)
        assert.equal((await elect(7)).replicaElectionResults[0]?.partitionResult[0]?.errorCode, 3)
      })
    },
  },
]

async function idOf(context: ScenarioContext, name: string): Promise<string> {
  let topicId = ''
  await onWire(context, async (wire) => {
    const answer = await wire.ask(Metadata, 12, metadataRequest([{ name }]))
    topicId = answer.topics[0]?.topicId ?? ''
  })
  return topicId
}
