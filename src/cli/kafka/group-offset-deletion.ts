import { ErrorCode, errorName } from '../../../protocol/errors.ts'
import { OffsetDelete } from '../../../protocol/messages/47-offset-delete.ts'
import { printError } from './group-commands.ts'
import { byName } from './group-lag.ts'
import type { TopicPartition } from './group-queries.ts'
import { failureOf } from './java-errors.ts'
import type { GroupOptions } from './kafka-consumer-groups.ts'
import { cell } from './text-table.ts'
import type { ToolClient, ToolIo } from './tool-io.ts'
import { namedPartitions } from './topic-partitions.ts'

interface DeletedRow extends TopicPartition {
  readonly errorCode: number
}

const WHOLE: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_GROUP_ID,
  ErrorCode.GROUP_ID_NOT_FOUND,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.NON_EMPTY_GROUP,
])
const PARTIAL: ReadonlySet<number> = new Set([
  ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
])
/** The partition of a topic that is not there. */
const NONE = -1

export async function deleteGroupOffsets(client: ToolClient, options: GroupOptions, io: ToolIo): Promise<void> {
  const group = options.value('group')!
  const { partitions, absent } = await wanted(client, options.values('topic'))
  const topics = [...new Set(partitions.map(({ topic }) => topic))].map((name) => ({
    name,
    partitions: partitions
      .filter(({ topic }) => topic === name)
      .map(({ partition }) => ({ partitionIndex: partition })),
  }))
  const answer = await client.send(OffsetDelete, { groupId: group, topics }, { group })
  const rows: DeletedRow[] = partitions.map(({ topic, partition }) => {
    const found = answer.topics
      .find(({ name }) => name === topic)
      ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    return { topic, partition, errorCode: answer.errorCode || (found?.errorCode ?? 0) }
  })
  for (const topic of absent) rows.push({ topic, partition: NONE, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
  const code =
    answer.errorCode || (rows.find(({ partition, errorCode }) => partition !== NONE && errorCode !== 0)?.errorCode ?? 0)
  printOutcome(group, code, io)
  io.out(table(rows))
}

async function wanted(
  client: ToolClient,
  texts: readonly string[],
): Promise<{ partitions: TopicPartition[]; absent: string[] }> {
  const plain = texts.filter((text) => !text.includes(':'))
  const known = plain.length === 0 ? [] : await client.topics(plain)
  const absent = plain.filter((name) => known.find((topic) => topic.name === name)?.errorCode !== 0)
  return {
    partitions: await namedPartitions(
      client,
      texts.filter((text) => !absent.includes(text)),
    ),
    absent,
  }
}

function printOutcome(group: string, code: number, io: ToolIo): void {
  if (code === ErrorCode.NONE) io.out(`Request succeeded for deleting offsets from group ${group}.\n`)
  else if (WHOLE.has(code)) printError(failureOf(code).message, io)
  else if (PARTIAL.has(code)) printError('Encountered some partition-level error, see the follow-up details.', io)
  else printError(`Encountered some unknown error: ${errorName(code)}`, io)
}

function table(rows: readonly DeletedRow[]): string {
  const width = Math.max(15, ...rows.map(({ topic }) => topic.length))
  const line = (topic: string, partition: string, status: string) =>
    `\n${cell(topic, width)} ${cell(partition, 10)} ${cell(status, 15)}`
  const lines = [...rows].sort(byName).map(({ topic, partition, errorCode }) => {
    const status = errorCode === 0 ? 'Successful' : `Error: ${failureOf(errorCode).text}`
    return line(topic, partition === NONE ? '-' : String(partition), status)
  })
  return `${line('TOPIC', 'PARTITION', 'STATUS')}${lines.join('')}\n`
}
