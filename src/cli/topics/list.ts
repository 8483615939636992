import { byTopic } from '../../client/topic-leaders.ts'
import { brokerCommand, printJson } from '../broker-command.ts'
import { formatTable } from '../table.ts'
import { topicOffsets, totalOf } from './topic-offsets.ts'

export const listTopics = brokerCommand({
  name: 'list',
  about: 'the topics of the cluster',
  options: { internal: { type: 'boolean', about: "also Kafka's own topics, such as __consumer_offsets" } },
  json: '{ name: string, topicId: string | null, internal: boolean, partitions: number, replicationFactor: number, records: number | null }[]',
  async run(client, given, io) {
    given.none()
    const all = await client.topics(null)
    const topics = all.filter(({ internal }) => given.has('internal') || !internal)
    const offsets = byTopic(await topicOffsets(client, topics))
    const rows = topics.map(({ name, topicId, internal, partitions }) => ({
      name,
      topicId,
      internal,
      partitions: partitions.length,
      replicationFactor: partitions[0]?.replicas.length ?? 0,
      records: totalOf(offsets.get(name) ?? []),
    }))
    if (given.has('json')) await printJson(io, rows)
    else if (rows.length === 0) io.err('There are no topics. Make one: odradek topics create NAME\n')
    else {
      const lines = rows.map(({ name, partitions, replicationFactor, records }) => {
        return [name, partitions, replicationFactor, records ?? '-']
      })
      await io.out(formatTable(['TOPIC', 'PARTITIONS', 'REPLICAS', 'RECORDS'], lines))
    }
    return 0
  },
})
