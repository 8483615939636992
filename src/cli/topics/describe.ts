import type { PartitionMetadata } from '../../client/cluster-metadata.ts'
import { brokerCommand, printJson } from '../broker-command.ts'
import { describeResource, isOwnSetting } from '../configs/config-resource.ts'
import { counted, formatTable } from '../table.ts'
import { existingTopic } from './existing-topics.ts'
import { spanOf, topicOffsets } from './topic-offsets.ts'

export const describeTopic = brokerCommand({
  name: 'describe',
  about: 'the partitions of a topic: leaders, replicas, offsets, and the settings of its own',
  arguments: 'NAME',
  argumentCompletes: 'topic',
  options: {},
  json: '{ name: string, topicId: string | null, internal: boolean, configs: { [name: string]: string | null }, partitions: { partition: number, leader: number, leaderEpoch: number, replicas: number[], isr: number[], start: number | null, end: number | null }[] }',
  async run(client, given, io) {
    const { name, topicId, internal, partitions } = await existingTopic(client, given.single('the name of a topic'))
    const offsets = await topicOffsets(client, [{ name, topicId, internal, partitions, errorCode: 0 }])
    const settings = (await describeResource(client, 'topic', name)).filter(isOwnSetting)
    const configs = Object.fromEntries(settings.map((one) => [one.name, one.value]))
    if (given.has('json')) {
      const rows = partitions.map(({ partition, leader, leaderEpoch, replicas, isr }, at) => {
        return { partition, leader, leaderEpoch, replicas, isr, start: offsets[at]!.start, end: offsets[at]!.end }
      })
      await printJson(io, { name, topicId, internal, configs, partitions: rows })
      return 0
    }
    const id = topicId === null ? '' : `, id ${topicId}`
    await io.out(`${name}: ${counted(partitions.length, 'partition')}${id}\n`)
    for (const [key, value] of Object.entries(configs)) await io.out(`${key}=${value}\n`)
    const lines = partitions.map((one, at) => {
      const { start, end } = offsets[at]!
      return [
        one.partition,
        leaderText(one),
        one.replicas.join(','),
        one.isr.join(','),
        start ?? '-',
        end ?? '-',
        spanOf(offsets[at]!) ?? '-',
      ]
    })
    await io.out(`\n${formatTable(['PARTITION', 'LEADER', 'REPLICAS', 'IN SYNC', 'START', 'END', 'RECORDS'], lines)}`)
    return 0
  },
})

function leaderText({ leader }: PartitionMetadata): string | number {
  return leader < 0 ? 'none' : leader
}
