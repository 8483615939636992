import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Scenario, ScenarioContext } from '../scenario.ts'
import { onceReady } from './coordinator.ts'
import { balanced, Member, receivedAll } from './membership.ts'
import { allPartitions, newTopic, numbered, produce, readAll } from './records.ts'
import { visibleValues } from './transactional-producer.ts'

const TOOLS = 'org.apache.kafka.tools'

interface Run {
  code: number
  output: string
  errors: string
}

/** Runs a tool of Apache Kafka against the broker; most take --bootstrap-server, which is added. */
export async function tool(context: ScenarioContext, name: string, args: readonly string[], input = ''): Promise<Run> {
  const full = name.includes('.admin.') ? name : `${TOOLS}.${name}`
  const at = ['--bootstrap-server', context.bootstrap]
  // Where a tool has subcommands the address comes after them.
  const all = name === 'ClusterTool' ? [...args, ...at] : [...at, ...args]
  return context.client.call('tool', { tool: full, arguments: all, input }, 120_000)
}

/** As tool, but it must end with exit code 0. */
export async function succeed(
  context: ScenarioContext,
  name: string,
  args: readonly string[],
  input = '',
): Promise<string> {
  const run = await tool(context, name, args, input)
  assert.equal(run.code, 0, `${name} ${args.join(' ')}: exit code ${run.code}\n${run.output}\n${run.errors}`)
  return run.output
}

/** The rows of a table a tool prints, split at white space, without the line of headings. */
function rows(output: string): string[][] {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(1).map((line) => line.trim().split(/\s+/))
}

const GROUPS = 'consumer.group.ConsumerGroupCommand'
const CONFIGS = 'kafka.admin.ConfigCommand'

async function brokerId(context: ScenarioContext): Promise<number> {
  const { brokers } = await context.client.call('describeCluster', {})
  return brokers[0]?.id ?? -1
}

export const consoleToolScenarios: Scenario[] = [
  {
    name: 'kafka-topics',
    fixture: 'shared',
    async run(context) {
      const topic = context.unique('tools')
      const shape = ['--partitions', '3', '--replication-factor', '1', '--config', 'retention.ms=3600000']
      const created = await succeed(context, 'TopicCommand', ['--create', '--topic', topic, ...shape])
      assert.match(created, /^Created topic /m)
      const again = await tool(context, 'TopicCommand', ['--create', '--topic', topic])
      assert.equal(again.code, 1)
      assert.match(again.output, /already exists/)
      await succeed(context, 'TopicCommand', ['--create', '--if-not-exists', '--topic', topic])
      assert.ok((await succeed(context, 'TopicCommand', ['--list'])).split('\n').includes(topic))
      await succeed(context, 'TopicCommand', ['--alter', '--topic', topic, '--partitions', '5'])
      const described = await succeed(context, 'TopicCommand', ['--describe', '--topic', topic])
      assert.match(
        described,
        new RegExp(`Topic: ${topic}\\tTopicId: [\\w-]{22}\\tPartitionCount: 5\\tReplicationFactor: 1`),
      )
      assert.match(described, /Configs: .*retention\.ms=3600000/)
      const leader = await brokerId(context)
      for (let partition = 0; partition < 5; partition++) {
        const line = `Partition: ${partition}\tLeader: ${leader}\tReplicas: ${leader}\tIsr: ${leader}`
        assert.ok(described.includes(line), `no line "${line}" in\n${described}`)
      }
      await succeed(context, 'TopicCommand', ['--delete', '--topic', topic])
      const gone = await tool(context, 'TopicCommand', ['--describe', '--topic', topic])
      assert.equal(gone.code, 1)
      assert.match(gone.output, /does not exist as expected/)
    },
  },
  {
    name: 'kafka-console-producer-and-consumer',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'console', 1)
      const reader = ['parse.key=true', 'key.separator=:', 'parse.headers=true', 'null.marker=NULL']
      const properties = reader.flatMap((property) => ['--reader-property', property])
      const lines: string[] = []
      for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
        const line = `by:${codec}\tkey ${codec}:value ${codec}`
        lines.push(line, `by:${codec}\tkey ${codec}:NULL`)
        const input = `${lines.slice(-2).join('\n')}\n`
        await succeed(
          context,
          'ConsoleProducer',
          ['--topic', topic, '--compression-codec', codec, ...properties],
          input,
        )
      }
      const printed = [
        'print.key=true',
        'key.separator=:',
        'print.headers=true',
        'null.literal=NULL',
        'print.offset=true',
      ]
      const format = printed.flatMap((property) => ['--formatter-property', property])
      const limits = ['--max-messages', String(lines.length), '--timeout-ms', '15000']
      const group = context.unique('console-group')
      const args = ['--topic', topic, '--group', group, '--from-beginning', ...limits, ...format]
      const consumed = await succeed(context, 'consumer.ConsoleConsumer', args)
      const expected = lines.map((line, offset) => `Offset:${offset}:${line.replace('\t', ':')}`)
      assert.deepEqual(consumed.trim().split('\n'), expected)
      // Its position was committed when it ended.
      const { offsets } = await context.client.call('fetchOffsets', { group, partitions: [{ topic, partition: 0 }] })
      assert.equal(offsets[0]?.offset, lines.length)
    },
  },
  {
    name: 'kafka-consumer-groups',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'grouped', 2)
      const group = context.unique('group')
      await produce(client, topic, numbered('r', 0, 6))
      const member = await Member.join(client, 'm', { group, topics: [topic] })
      await receivedAll([member], ['r5'])
      await balanced([member], allPartitions(topic, 2))
      await client.call('commit', { member: 'm', offsets: [{ topic, partition: 0, offset: 4, metadata: null }] })
      assert.ok((await succeed(context, GROUPS, ['--list'])).split('\n').includes(group))
      const listed = rows(await succeed(context, GROUPS, ['--list', '--state', 'stable']))
      assert.ok(listed.some(([name, state]) => name === group && state === 'Stable'))
      const described = rows(await succeed(context, GROUPS, ['--describe', '--group', group]))
      const first = described.find((row) => row[1] === topic && row[2] === '0')
      assert.deepEqual(first?.slice(3, 6), ['4', '6', '2'], 'committed, end and lag')
      assert.match(first?.[7] ?? '', /127\.0\.0\.1/)
      const state = rows(await succeed(context, GROUPS, ['--describe', '--group', group, '--state']))
      assert.deepEqual(state[0]?.slice(-3), ['range', 'Stable', '1'])
      const members = rows(await succeed(context, GROUPS, ['--describe', '--group', group, '--members']))
      assert.equal(members[0]?.at(-1), '2', 'partitions of the member')
      const reset = ['--reset-offsets', '--group', group, '--topic', topic, '--execute']
      const busy = await tool(context, GROUPS, [...reset, '--to-earliest'])
      assert.match(`${busy.output}${busy.errors}`, /current state is Stable/)
      await member.leave()
      const earliest = rows(await succeed(context, GROUPS, [...reset, '--to-earliest']))
      assert.ok(earliest.some((row) => row[1] === topic && row[2] === '0' && row[3] === '0'))
      const shifted = rows(await succeed(context, GROUPS, [...reset, '--shift-by', '3']))
      assert.ok(shifted.some((row) => row[1] === topic && row[2] === '0' && row[3] === '3'))
      const deleted = await succeed(context, GROUPS, ['--delete-offsets', '--group', group, '--topic', `${topic}:0`])
      assert.match(deleted, /Request succeeded/)
      await succeed(context, GROUPS, [...reset, '--to-latest'])
      assert.match(await succeed(context, GROUPS, ['--delete', '--group', group]), /was successful/)
      const gone = await tool(context, GROUPS, ['--describe', '--group', group])
      assert.match(gone.output, /GroupIdNotFoundException/)
      const types = await succeed(context, 'GroupsCommand', ['--list'])
      assert.equal(types.includes(group), false)
    },
  },
  {
    name: 'kafka-configs',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'configs')
      const entity = ['--entity-type', 'topics', '--entity-name', topic]
      const added = ['--alter', '--add-config', 'max.message.bytes=2000000,cleanup.policy=[compact,delete]']
      assert.match(await succeed(context, CONFIGS, [...entity, ...added]), /Completed updating config for topic/)
      const dynamic = await succeed(context, CONFIGS, [...entity, '--describe'])
      assert.match(
        dynamic,
        /max\.message\.bytes=2000000 sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:max\.message\.bytes=2000000, DEFAULT_CONFIG:message\.max\.bytes=1048588\}/,
      )
      assert.match(dynamic, /cleanup\.policy=compact,delete /)
      await succeed(context, CONFIGS, [...entity, '--alter', '--delete-config', 'max.message.bytes'])
      const all = await succeed(context, CONFIGS, [...entity, '--describe', '--all'])
      assert.match(
        all,
        /max\.message\.bytes=1048588 sensitive=false synonyms=\{DEFAULT_CONFIG:message\.max\.bytes=1048588\}/,
      )
      assert.match(
        all,
        /segment\.bytes=1073741824 sensitive=false synonyms=\{DEFAULT_CONFIG:log\.segment\.bytes=1073741824\}/,
      )
      const names = [...all.matchAll(/^ {2}([\w.]+)=/gm)].map(([, name]) => name)
      assert.ok(names.length >= 30, `all configs are shown, not only ${names.length}`)
      const refused = await tool(context, CONFIGS, [...entity, '--alter', '--add-config', 'retention.ms=abc'])
      assert.equal(refused.code, 1)
      const broker = ['--entity-type', 'brokers', '--entity-name', String(await brokerId(context))]
      const settings = await succeed(context, CONFIGS, [...broker, '--describe', '--all'])
      assert.match(settings, /num\.partitions=1 sensitive=false/)
      assert.match(settings, /log\.retention\.hours=168 sensitive=false/)
      await succeed(context, CONFIGS, [...broker, '--alter', '--add-config', 'log.retention.ms=1209600000'])
      assert.match(await succeed(context, CONFIGS, [...broker, '--describe']), /log\.retention\.ms=1209600000 /)
      await succeed(context, CONFIGS, [...broker, '--alter', '--delete-config', 'log.retention.ms'])
      const defaults = ['--entity-type', 'brokers', '--entity-default', '--describe']
      assert.match(await succeed(context, CONFIGS, defaults), /Default configs for brokers/)
    },
  },
  {
    name: 'kafka-get-offsets-and-delete-records',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'shell', 2)
      const start = Date.now() - 600_000
      const records = numbered('r', 0, 10).map((record, index) => ({ ...record, timestamp: start + index * 1_000 }))
      await produce(context.client, topic, records)
      const offsets = async (...time: string[]) =>
        (await succeed(context, 'GetOffsetShell', ['--topic', topic, ...time])).trim().split('\n').sort()
      assert.deepEqual(await offsets(), [`${topic}:0:10`, `${topic}:1:0`])
      assert.deepEqual(await offsets('--time', 'earliest'), [`${topic}:0:0`, `${topic}:1:0`])
      assert.deepEqual(await offsets('--time', 'max-timestamp'), [`${topic}:0:9`])
      assert.deepEqual(await offsets('--time', 'earliest-local'), [`${topic}:0:0`, `${topic}:1:0`])
      assert.deepEqual(await offsets('--time', String(start + 2_500)), [`${topic}:0:3`])
      const folder = mkdtempSync(join(tmpdir(), 'odradek-compat-tool-'))
      try {
        const file = join(folder, 'offsets.json')
        writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, offset: 4 }] }))
        const deleted = await succeed(context, 'DeleteRecordsCommand', ['--offset-json-file', file])
        assert.ok(deleted.includes(`partition: ${topic}-0\tlow_watermark: 4`), deleted)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
      assert.deepEqual(await offsets('--time', 'earliest'), [`${topic}:0:4`, `${topic}:1:0`])
    },
  },
  {
    name: 'kafka-log-dirs',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'sized', 2)
      await produce(context.client, topic, numbered('r', 0, 10))
      const output = await succeed(context, 'LogDirsCommand', ['--describe', '--topic-list', topic])
      const line = output.split('\n').find((each) => each.startsWith('{')) ?? ''
      const { brokers } = JSON.parse(line) as {
        brokers: {
          broker: number
          logDirs: { error: string | null; partitions: { partition: string; size: number }[] }[]
        }[]
      }
      assert.equal(brokers[0]?.broker, await brokerId(context))
      assert.equal(brokers[0]?.logDirs[0]?.error, null)
      const sizes = new Map(brokers[0]?.logDirs[0]?.partitions.map(({ partition, size }) => [partition, size]))
      assert.ok((sizes.get(`${topic}-0`) ?? 0) > 61, 'size of the written partition')
      assert.equal(sizes.get(`${topic}-1`), 0, 'size of the empty partition')
    },
  },
  {
    name: 'kafka-broker-api-versions',
    fixture: 'shared',
    async run(context) {
      const output = await succeed(context, 'BrokerApiVersionsCommand', [])
      assert.ok(output.startsWith(`${context.bootstrap} (id: ${await brokerId(context)} rack: null`), output)
      // What the Java client uses in its daily work, at the newest version it knows.
      const wanted = [
        'Produce(0): 0 to 13 [usable: 13]',
        'Fetch(1): 4 to 18 [usable: 18]',
        'ListOffsets(2): 1 to 11 [usable: 11]',
        'Metadata(3): 0 to 13 [usable: 13]',
        'OffsetCommit(8): 2 to 10 [usable: 10]',
        'OffsetFetch(9): 1 to 10 [usable: 10]',
        'FindCoordinator(10): 0 to 6 [usable: 6]',
        'JoinGroup(11): 0 to 9 [usable: 9]',
        'Heartbeat(12): 0 to 4 [usable: 4]',
        'LeaveGroup(13): 0 to 5 [usable: 5]',
        'SyncGroup(14): 0 to 5 [usable: 5]',
        'DescribeGroups(15): 0 to 6 [usable: 6]',
        'ListGroups(16): 0 to 5 [usable: 5]',
        'ApiVersions(18): 0 to 4 [usable: 4]',
        'CreateTopics(19): 2 to 7 [usable: 7]',
        'DeleteTopics(20): 1 to 6 [usable: 6]',
        'DeleteRecords(21): 0 to 2 [usable: 2]',
        'InitProducerId(22): 0 to 5 [usable: 5]',
        'OffsetForLeaderEpoch(23): 2 to 4 [usable: 4]',
        'DescribeConfigs(32): 1 to 4 [usable: 4]',
        'AlterConfigs(33): 0 to 2 [usable: 2]',
        'DescribeLogDirs(35): 1 to 5 [usable: 5]',
        'CreatePartitions(37): 0 to 3 [usable: 3]',
        'DeleteGroups(42): 0 to 2 [usable: 2]',
        'ElectLeaders(43): 0 to 2 [usable: 2]',
        'IncrementalAlterConfigs(44): 0 to 1 [usable: 1]',
        'ListPartitionReassignments(46): 0 [usable: 0]',
        'OffsetDelete(47): 0 [usable: 0]',
        'DescribeCluster(60): 0 to 2 [usable: 2]',
        'DescribeProducers(61): 0 [usable: 0]',
        'ListConfigResources(74): 0 to 1 [usable: 1]',
        'DescribeTopicPartitions(75): 0 [usable: 0]',
      ]
      const missing = wanted.filter((line) => !output.includes(line))
      assert.deepEqual(missing, [])
    },
  },
  {
    name: 'kafka-cluster-and-features',
    fixture: 'shared',
    async run(context) {
      const { clusterId } = await context.client.call('describeCluster', {})
      assert.ok((await succeed(context, 'ClusterTool', ['cluster-id'])).includes(`Cluster ID: ${clusterId}`))
      const endpoints = rows(await succeed(context, 'ClusterTool', ['list-endpoints']))
      assert.deepEqual(endpoints[0]?.slice(0, 3), [String(await brokerId(context)), context.host, String(context.port)])
      const features = await succeed(context, 'FeatureCommand', ['describe'])
      assert.match(features, /Feature: metadata\.version\s.*FinalizedVersionLevel: 4\.3-IV0/)
    },
  },
  {
    name: 'kafka-leader-election-and-reassignments',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'led', 2)
      const one = ['--election-type', 'preferred', '--topic', topic, '--partition', '1']
      const elected = await succeed(context, 'LeaderElectionCommand', one)
      assert.ok(elected.includes(`Valid replica already elected for partitions ${topic}-1`), elected)
      await succeed(context, 'LeaderElectionCommand', ['--election-type', 'preferred', '--all-topic-partitions'])
      const nowhere = ['--election-type', 'preferred', '--topic', context.unique('nowhere'), '--partition', '0']
      assert.equal((await tool(context, 'LeaderElectionCommand', nowhere)).code, 1)
      const ongoing = await succeed(context, 'reassign.ReassignPartitionsCommand', ['--list'])
      assert.match(ongoing, /No partition reassignments found/)
    },
  },
  {
    name: 'kafka-describe-producers',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'produced')
      await produce(context.client, topic, numbered('r', 0, 5), { idempotent: true })
      const args = ['describe-producers', '--topic', topic, '--partition', '0']
      const [producer] = rows(await succeed(context, 'TransactionsCommand', args))
      assert.match(producer?.[0] ?? '', /^\d+$/)
      assert.deepEqual(producer?.slice(1, 4), ['0', '-1', '4'], 'epoch, coordinator epoch and last sequence')
      assert.equal(producer?.[5], 'None')
    },
  },
  {
    name: 'kafka-performance-tools',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'measured', 2)
      const load = ['--topic', topic, '--num-records', '2000', '--record-size', '100', '--throughput', '-1']
      assert.match(await succeed(context, 'ProducerPerformance', load), /^2000 records sent/m)
      const read = ['--topic', topic, '--num-records', '2000', '--timeout', '20000']
      const consumed = await succeed(context, 'ConsumerPerformance', read)
      assert.equal(consumed.trim().split('\n').at(-1)?.split(',')[4]?.trim(), '2000')
      assert.equal((await readAll(context.client, topic, [0, 1])).length, 2_000)
      const latency = ['--topic', await newTopic(context, 'latency'), '--num-records', '20', '--producer-acks', 'all']
      assert.match(await succeed(context, 'EndToEndLatency', [...latency, '--record-size', '100']), /^Percentiles:/m)
    },
  },
  {
    name: 'transactional-load',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'transactional', 2)
      const load = ['--topic', topic, '--num-records', '2000', '--record-size', '100', '--throughput', '4000']
      const transactions = ['--transactional-id', context.unique('id'), '--transaction-duration-ms', '50']
      assert.match(await succeed(context, 'ProducerPerformance', [...load, ...transactions]), /^2000 records sent/m)
      assert.equal((await visibleValues(context.client, topic, [0, 1])).flat().length, 2_000)
    },
  },
  {
    name: 'kafka-consumer-groups-of-nobody',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'preset')
      await produce(context.client, topic, numbered('r', 0, 5))
      // Offsets set for a group that nobody has joined yet.
      const group = context.unique('later')
      const reset = ['--reset-offsets', '--group', group, '--topic', topic, '--to-offset', '2', '--execute']
      await onceReady(context, () => succeed(context, GROUPS, reset))
      const member = await Member.join(context.client, 'later', { group, topics: [topic] })
      await receivedAll([member], ['r2', 'r3', 'r4'])
      assert.equal(member.received.length, 3)
      await member.leave()
    },
  },
]
