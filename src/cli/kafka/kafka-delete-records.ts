import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { CONNECTION_OPTIONS, withAdmin } from './admin-properties.ts'
import { failureOf } from './java-errors.ts'
import { duplicatesOf, type NamedPartition, partitionsFromJson } from './json-file.ts'
import { requireArguments } from './option-rules.ts'
import { ToolFailure } from './tool-failure.ts'
import { describeTool, runTool, type ToolClient, type ToolIo } from './tool-io.ts'

export const KAFKA_DELETE_RECORDS = describeTool(
  'kafka-delete-records',
  'Delete the records of partitions up to an offset.',
  {
    ...CONNECTION_OPTIONS,
    'offset-json-file': {
      kind: 'value',
      value: 'FILE',
      about: 'What to delete: {"partitions": [{"topic": "orders", "partition": 0, "offset": 10}], "version": 1}',
    },
  },
)

const TIMEOUT_MS = 30_000
/** As an offset it means the high watermark. */
const NO_OFFSET = -1
const UNKNOWN_TOPIC_OR_PARTITION = 3

export function kafkaDeleteRecords(args: readonly string[], io: ToolIo): Promise<number> {
  return runTool(
    KAFKA_DELETE_RECORDS,
    args,
    io,
    async ({ options }) => {
      requireArguments(options, 'bootstrap-server', 'offset-json-file')
      const partitions = partitionsFromJson(io, options.value('offset-json-file')!)
      const duplicates = duplicatesOf(partitions)
      if (duplicates !== null) {
        throw new ToolFailure(
          `Offset json file contains duplicate topic partitions: ${duplicates}`,
          'org.apache.kafka.tools.AdminCommandFailedException',
        )
      }
      await withAdmin(io, options, 'deleteRecords', async (client) => {
        io.out('Executing records delete operation\n')
        const rows = await deleteRecords(client, partitions)
        io.out('Records delete operation completed:\n')
        for (const row of rows) io.out(`${row}\n`)
      })
      return 0
    },
    'usage',
  )
}

/** A line for each partition, in their order. */
async function deleteRecords(client: ToolClient, partitions: readonly NamedPartition[]): Promise<string[]> {
  const topics = await client.topics([...new Set(partitions.map(({ topic }) => topic))])
  const leaderOf = ({ topic, partition }: NamedPartition) =>
    topics.find(({ name }) => name === topic)?.partitions.find((row) => row.partition === partition)?.leader ?? -1
  const lines = new Map<NamedPartition, string>()
  for (const brokerId of new Set(partitions.map(leaderOf))) {
    const led = partitions.filter((partition) => leaderOf(partition) === brokerId)
    const names = [...new Set(led.map(({ topic }) => topic))]
    const request = {
      topics: names.map((name) => ({
        name,
        partitions: led
          .filter(({ topic }) => topic === name)
          .map(({ partition, offset }) => ({ partitionIndex: partition, offset: offset ?? NO_OFFSET })),
      })),
      timeoutMs: TIMEOUT_MS,
    }
    const answer = brokerId < 0 ? null : await client.send(DeleteRecords, request, { brokerId })
    for (const row of led) {
      const found = answer?.topics
        .find(({ name }) => name === row.topic)
        ?.partitions.find(({ partitionIndex }) => partitionIndex === row.partition)
      const errorCode = found?.errorCode ?? UNKNOWN_TOPIC_OR_PARTITION
      const outcome = errorCode === 0 ? `low_watermark: ${found!.lowWatermark}` : `error: ${failureOf(errorCode).text}`
      lines.set(row, `partition: ${row.topic}-${row.partition}\t${outcome}`)
    }
  }
  return partitions.map((partition) => lines.get(partition)!)
}
