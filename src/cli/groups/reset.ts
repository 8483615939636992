import { ErrorCode } from '../../../protocol/errors.ts'
import { ClientError } from '../../client/client-error.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { brokerCommand, printJson } from '../broker-command.ts'
import type { Given } from '../command.ts'
import { type LogPosition, parsePosition, placeIn } from '../log-position.ts'
import { formatTable } from '../table.ts'
import { existingTopic } from '../topics/existing-topics.ts'
import { UsageError } from '../usage-error.ts'
import { stillHasMembers } from './delete.ts'

interface Reset {
  readonly topic: string
  readonly partition: number
  /** Null where nothing was committed. */
  readonly from: number | null
  readonly to: number
}

export const resetGroup = brokerCommand({
  name: 'reset',
  about: 'set where a group goes on reading; only shows it without --execute',
  arguments: 'NAME',
  argumentCompletes: 'group',
  details: 'The group must have no members. A group that does not exist is made.',
  options: {
    topic: {
      type: 'string',
      short: 't',
      value: 'TOPIC[:PARTITION]',
      about: 'where; may be repeated',
      completes: 'topic',
      repeats: true,
    },
    to: {
      type: 'string',
      value: 'WHERE',
      about:
        'earliest, latest, an OFFSET, a time (2026-01-31T12:00, or @ and milliseconds), or -N for N before the end',
    },
    execute: { type: 'boolean', about: 'do it' },
  },
  json: '{ group: string, executed: boolean, partitions: { topic: string, partition: number, from: number | null, to: number }[] }',
  check(given) {
    given.single('the name of a group')
    positionOf(given)
    if (placesOf(given).length === 0) throw new UsageError('--topic is missing')
  },
  async run(client, given, io) {
    const group = given.single('the name of a group')
    const partitions = await plan(client, group, placesOf(given), positionOf(given))
    const executed = given.has('execute')
    if (executed) await execute(client, group, partitions)
    if (given.has('json')) {
      await printJson(io, { group, executed, partitions })
      return 0
    }
    const rows = partitions.map(({ topic, partition, from, to }) => [topic, partition, from ?? '-', to])
    await io.out(formatTable(['TOPIC', 'PARTITION', 'COMMITTED', executed ? 'NOW' : 'WOULD BE'], rows))
    if (!executed) io.err('Nothing was changed; add --execute to do it.\n')
    return 0
  },
})

interface Place {
  readonly topic: string
  /** Null for all. */
  readonly partition: number | null
}

function positionOf(given: Given): LogPosition {
  const text = given.value('to')
  if (text === undefined) throw new UsageError('--to is missing')
  return parsePosition('to', text)
}

function placesOf(given: Given): Place[] {
  return given.values('topic').map((text) => {
    const [, topic, partition] = /^([^:]+)(?::(\d{1,9}))?$/.exec(text) ?? []
    if (topic === undefined) throw new UsageError(`--topic ${text}: it has the form TOPIC or TOPIC:PARTITION`)
    return { topic, partition: partition === undefined ? null : Number(partition) }
  })
}

async function plan(
  client: KafkaClient,
  group: string,
  places: readonly Place[],
  position: LogPosition,
): Promise<Reset[]> {
  const committed = await client.committedOffsets(group)
  const resets: Reset[] = []
  for (const { topic, partition } of places) {
    const { partitions } = await existingTopic(client, topic)
    const wanted = partition === null ? partitions.map((one) => one.partition) : [partition]
    for (const { partition, offset } of await placeIn(client, topic, wanted, position)) {
      const before = committed.find((one) => one.topic === topic && one.partition === partition)
      resets.push({ topic, partition, from: before?.offset ?? null, to: offset })
    }
  }
  return resets
}

async function execute(client: KafkaClient, group: string, resets: readonly Reset[]): Promise<void> {
  const offsets = resets.map(({ topic, partition, to }) => ({ topic, partition, offset: to }))
  try {
    await client.commitOffsets(group, offsets)
  } catch (error) {
    // To a group with members a commit from outside is one of a member that it does not know.
    if (error instanceof ClientError && error.errorCode === ErrorCode.UNKNOWN_MEMBER_ID) throw stillHasMembers(group)
    throw error
  }
}
