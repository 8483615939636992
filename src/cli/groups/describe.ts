import type { KafkaClient } from '../../client/kafka-client.ts'
import type { TopicPartition } from '../../client/topic-leaders.ts'
import { brokerCommand, printJson } from '../broker-command.ts'
import { counted, formatTable } from '../table.ts'
import { describeGroupNamed, type GroupDescription, type GroupMemberDescription } from './group-description.ts'

interface PartitionLag extends TopicPartition {
  /** Null where nothing is committed. */
  readonly committed: number | null
  /** Null where the leader cannot be asked. */
  readonly end: number | null
  readonly lag: number | null
  readonly memberId: string | null
}

export const describeGroup = brokerCommand({
  name: 'describe',
  about: 'the state of a group, its members, and how far behind it is in each partition',
  arguments: 'NAME',
  argumentCompletes: 'group',
  options: {},
  json: '{ group: string, state: string, assignor: string, members: { memberId: string, instanceId: string | null, clientId: string, host: string, partitions: { topic: string, partition: number }[] }[], partitions: { topic: string, partition: number, committed: number | null, end: number | null, lag: number | null, memberId: string | null }[] }',
  check: (given) => void given.single('the name of a group'),
  async run(client, given, io) {
    const description = await describeGroupNamed(client, given.single('the name of a group'))
    const partitions = await lagOf(client, description)
    if (given.has('json')) {
      await printJson(io, { ...description, partitions })
      return 0
    }
    const { group, state, members, assignor } = description
    const by = assignor === '' ? '' : `, assigned by ${assignor}`
    await io.out(`${group}: ${state}, ${counted(members.length, 'member')}${by}\n`)
    if (members.length > 0) await io.out(`\n${memberTable(members)}`)
    if (partitions.length > 0) await io.out(`\n${lagTable(partitions, members)}`)
    return 0
  },
})

function memberTable(members: readonly GroupMemberDescription[]): string {
  const rows = members.map(({ memberId, clientId, host, partitions }) => [memberId, clientId, host, partitions.length])
  return formatTable(['MEMBER', 'CLIENT', 'HOST', 'PARTITIONS'], rows)
}

function lagTable(partitions: readonly PartitionLag[], members: readonly GroupMemberDescription[]): string {
  const clientOf = new Map(members.map(({ memberId, clientId }) => [memberId, clientId]))
  const rows = partitions.map(({ topic, partition, committed, end, lag, memberId }) => {
    return [
      topic,
      partition,
      committed ?? '-',
      end ?? '-',
      lag ?? '-',
      (memberId && clientOf.get(memberId)) || 'nobody',
    ]
  })
  return formatTable(['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'READ BY'], rows)
}

/** Of all partitions that the group has committed in or that a member has. */
async function lagOf(client: KafkaClient, { group, members }: GroupDescription): Promise<PartitionLag[]> {
  const keyOf = ({ topic, partition }: TopicPartition) => `${topic} ${partition}`
  const committed = new Map((await client.committedOffsets(group)).map((one) => [keyOf(one), one]))
  const owners = new Map(
    members.flatMap(({ memberId, partitions }) => partitions.map((one) => [keyOf(one), { ...one, memberId }])),
  )
  const known = new Map<string, TopicPartition>([...owners, ...committed])
  const all = [...known.values()].sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition)
  const existing = new Set(
    (await client.topics([...new Set(all.map(({ topic }) => topic))])).flatMap(({ name, partitions }) => {
      return partitions.filter(({ leader }) => leader >= 0).map(({ partition }) => `${name} ${partition}`)
    }),
  )
  const asked = all.filter((one) => existing.has(keyOf(one)))
  const ends = await client.offsets(
    asked.map(({ topic, partition }) => ({ topic, partition, at: 'latest' as const })),
    { keepErrors: true },
  )
  const endOf = new Map(ends.map((row) => [keyOf(row), row.errorCode === 0 ? row.offset : null]))
  return all.map(({ topic, partition }) => {
    const key = `${topic} ${partition}`
    const offset = committed.get(key)?.offset ?? null
    const end = endOf.get(key) ?? null
    const lag = offset === null || end === null ? null : Math.max(0, end - offset)
    return { topic, partition, committed: offset, end, lag, memberId: owners.get(key)?.memberId ?? null }
  })
}
