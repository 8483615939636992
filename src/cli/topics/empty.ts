import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { refuseError } from '../../client/client-error.ts'
import type { TopicMetadata } from '../../client/cluster-metadata.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { brokerCommand, printJson } from '../broker-command.ts'
import { confirm, YES_OPTION } from '../confirm.ts'
import { counted } from '../table.ts'
import { ADMIN_TIMEOUT_MS } from './admin-timeout.ts'
import { existingTopic } from './existing-topics.ts'
import { topicOffsets, totalOf } from './topic-offsets.ts'

/** The end of the log, wherever that is when the request arrives. */
const TO_THE_END = -1

export const emptyTopic = brokerCommand({
  name: 'empty',
  about: 'delete the records of a topic and keep the topic, its settings and its offsets',
  arguments: 'NAME',
  argumentCompletes: 'topic',
  options: YES_OPTION,
  json: '{ name: string, partitions: { partition: number, start: number }[] }',
  check: (given) => void given.single('the name of a topic'),
  async run(client, given, io) {
    const topic = await existingTopic(client, given.single('the name of a topic'))
    const { name } = topic
    const records = totalOf(await topicOffsets(client, [topic]))
    const what = records === null ? 'everything' : counted(records, 'record')
    if (!(await confirm(`Delete ${what} of ${name}?`, given, io))) return 1
    const leaders = new Set(topic.partitions.map(({ leader }) => leader))
    const starts = await Promise.all([...leaders].map((brokerId) => emptyOn(client, brokerId, topic)))
    const partitions = starts.flat().sort((a, b) => a.partition - b.partition)
    if (given.has('json')) await printJson(io, { name, partitions })
    else await io.out(`${name} is empty now; ${what} ${records === 1 ? 'is' : 'are'} gone\n`)
    return 0
  },
})

async function emptyOn(
  client: KafkaClient,
  brokerId: number,
  { name, partitions }: TopicMetadata,
): Promise<{ partition: number; start: number }[]> {
  const led = partitions.filter(({ leader }) => leader === brokerId)
  const wanted = led.map(({ partition }) => ({ partitionIndex: partition, offset: TO_THE_END }))
  const request = { topics: [{ name, partitions: wanted }], timeoutMs: ADMIN_TIMEOUT_MS }
  const answer = await client.send(DeleteRecords, request, { brokerId })
  return answer.topics[0]!.partitions.map(({ partitionIndex, lowWatermark, errorCode }) => {
    refuseError(`emptying ${name}-${partitionIndex}`, errorCode)
    return { partition: partitionIndex, start: lowWatermark }
  })
}
