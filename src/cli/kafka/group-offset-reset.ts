import { ErrorCode } from '../../../protocol/errors.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { printError, wantedGroups } from './group-commands.ts'
import { byName } from './group-lag.ts'
import { type CommittedOffset, committedOffsets, describeGroup, type TopicPartition } from './group-queries.ts'
import { RESET_SCENARIOS } from './group-reset-options.ts'
import { failureOf } from './java-errors.ts'
import { parseDateTime, parseDuration } from './java-time.ts'
import type { GroupOptions } from './kafka-consumer-groups.ts'
import { cell } from './text-table.ts'
import { ToolFailure, UsageExit } from './tool-failure.ts'
import type { ToolClient, ToolIo } from './tool-io.ts'
import { namedPartitions, requirePartitions } from './topic-partitions.ts'

export interface NewOffset extends TopicPartition {
  readonly group: string
  readonly offset: number
}

/** Newer versions name topics by id. */
const NAMED_TOPICS_VERSION = 9
const NOBODY_THERE: ReadonlySet<string> = new Set(['Empty', 'Dead'])

/** What each group is moved to; nothing for groups that have members. Moves them with --execute. */
export async function resetGroupOffsets(client: ToolClient, options: GroupOptions, io: ToolIo): Promise<NewOffset[]> {
  const rows: NewOffset[] = []
  for (const group of await wantedGroups(client, options)) {
    const state = await stateOf(client, group)
    if (!NOBODY_THERE.has(state)) {
      const reason = `is inactive, but the current state is ${state}.`
      printError(`Assignments can only be reset if the group '${group}' ${reason}`, io)
      continue
    }
    const offsets = await newOffsets(client, group, options, io)
    if (options.has('execute') && !options.has('dry-run') && offsets.length > 0) await commit(client, group, offsets)
    rows.push(...offsets)
  }
  return rows
}

async function stateOf(client: ToolClient, group: string): Promise<string> {
  try {
    return (await describeGroup(client, group)).state
  } catch (error) {
    // A group that is not there yet can be given offsets.
    if (error instanceof ToolFailure && error.javaClass.endsWith('.GroupIdNotFoundException')) return 'Dead'
    throw error
  }
}

async function newOffsets(client: ToolClient, group: string, options: GroupOptions, io: ToolIo): Promise<NewOffset[]> {
  const scenario = RESET_SCENARIOS.find((name) => options.has(name))
  if (scenario === 'from-file') return fromFile(client, group, options, io)
  const committed = await committedOffsets(client, group)
  const partitions = [...(await partitionsToReset(client, committed, options))].sort(byName)
  const resetting: Resetting = { client, partitions, committed, options, io }
  const found = await offsetsFor(scenario, resetting)
  return partitions.map((partition, at) => ({ ...partition, group, offset: found[at]! }))
}

async function partitionsToReset(
  client: ToolClient,
  committed: readonly CommittedOffset[],
  options: GroupOptions,
): Promise<TopicPartition[]> {
  if (options.has('all-topics')) return committed.map(({ topic, partition }) => ({ topic, partition }))
  if (options.has('topic')) return namedPartitions(client, options.values('topic'))
  throw new UsageExit('One of the reset scopes should be defined: --all-topics, --topic.')
}

interface Resetting {
  readonly client: ToolClient
  readonly partitions: readonly TopicPartition[]
  readonly committed: readonly CommittedOffset[]
  readonly options: GroupOptions
  readonly io: ToolIo
}

async function offsetsFor(scenario: string | undefined, resetting: Resetting): Promise<number[]> {
  const { partitions, options, io } = resetting
  switch (scenario) {
    case 'to-earliest':
      return offsetsAt(resetting, -2)
    case 'to-latest':
      return offsetsAt(resetting, -1)
    case 'to-offset':
      return withinLog(resetting, () => options.integer('to-offset')!)
    case 'shift-by':
      return withinLog(resetting, (partition) => {
        const current = currentOffset(resetting, partition)
        if (current !== null) return current + options.integer('shift-by')!
        const name = `${partition.topic}-${partition.partition}`
        throw new UsageExit(`Cannot shift offset for partition ${name} since there is no current committed offset`)
      })
    case 'to-datetime':
      return offsetsAtTime(resetting, parseDateTime(options.value('to-datetime')!))
    case 'by-duration':
      return offsetsAtTime(resetting, io.clock.nowMs() - parseDuration(options.value('by-duration')!))
    case 'to-current': {
      const latest = await offsetsAt(resetting, -1)
      return partitions.map((partition, at) => currentOffset(resetting, partition) ?? latest[at]!)
    }
    default: {
      const order = ['shift-by', 'from-file', 'to-datetime', 'by-duration', 'to-latest', 'to-current', 'to-earliest']
      const all = [...order, 'to-offset'].map((name) => `[${name}]`).join(', ')
      throw new UsageExit(`Option '[reset-offsets]' requires one of the following scenarios: [${all}]`)
    }
  }
}

function currentOffset({ committed }: Resetting, { topic, partition }: TopicPartition): number | null {
  return committed.find((one) => one.topic === topic && one.partition === partition)?.offset ?? null
}

async function offsetsAt(
  { client, partitions }: Pick<Resetting, 'client' | 'partitions'>,
  at: number,
): Promise<number[]> {
  await requirePartitions(client, partitions)
  const found = await client.offsets(partitions.map(({ topic, partition }) => ({ topic, partition, at })))
  return found.map(({ offset }) => offset)
}

async function offsetsAtTime(resetting: Resetting, timeMs: number): Promise<number[]> {
  const { partitions, io } = resetting
  const found = await offsetsAt(resetting, timeMs)
  if (found.every((offset) => offset >= 0)) return found
  const latest = await offsetsAt(resetting, -1)
  return found.map((offset, at) => {
    if (offset >= 0) return offset
    const { topic, partition } = partitions[at]!
    io.out(`\nWarn: Partition ${partition} from topic ${topic} is empty. Falling back to latest known offset.\n`)
    return latest[at]!
  })
}

async function withinLog(resetting: Resetting, wanted: (partition: TopicPartition) => number): Promise<number[]> {
  const { partitions, io } = resetting
  const offsets = partitions.map(wanted)
  const earliest = await offsetsAt(resetting, -2)
  const latest = await offsetsAt(resetting, -1)
  return offsets.map((offset, at) => {
    const within = Math.min(Math.max(offset, earliest[at]!), latest[at]!)
    const { topic, partition } = partitions[at]!
    if (within !== offset) {
      const side = within < offset ? 'higher than latest offset' : 'lower than earliest offset'
      io.err(
        `WARN New offset (${offset}) is ${side} for topic partition ${topic}-${partition}. Value will be set to ${within}\n`,
      )
    }
    return within
  })
}

/** Lines `topic,partition,offset`, or with the group in front where several are named. */
async function fromFile(client: ToolClient, group: string, options: GroupOptions, io: ToolIo): Promise<NewOffset[]> {
  const named = options.values('group').length > 1
  const path = options.value('from-file')!
  const rows: NewOffset[] = []
  for (const line of io.readFile(path).split(/\r?\n/)) {
    if (line.trim() === '') continue
    const fields = line.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'))
    const [owner, topic, partition, offset] = named ? fields : [group, ...fields]
    const isRow = fields.length === (named ? 4 : 3) && /^\d{1,9}$/.test(partition!) && /^\d{1,15}$/.test(offset!)
    if (!isRow) throw new ToolFailure(`${path}: '${line}' is not ${named ? 'group,' : ''}topic,partition,offset`)
    if (owner === group) rows.push({ group, topic: topic!, partition: Number(partition), offset: Number(offset) })
  }
  rows.sort(byName)
  const within = await withinLog({ client, partitions: rows, committed: [], options, io }, (partition) => {
    return (partition as NewOffset).offset
  })
  return rows.map((row, at) => ({ ...row, offset: within[at]! }))
}

async function commit(client: ToolClient, group: string, offsets: readonly NewOffset[]): Promise<void> {
  const topics = [...new Set(offsets.map(({ topic }) => topic))].map((name) => ({
    name,
    partitions: offsets
      .filter(({ topic }) => topic === name)
      .map(({ partition, offset }) => ({ partitionIndex: partition, committedOffset: offset, committedMetadata: '' })),
  }))
  const request = { groupId: group, memberId: '', topics }
  const answer = await client.send(OffsetCommit, request, { group }, { maxVersion: NAMED_TOPICS_VERSION })
  const refused = answer.topics.flatMap(({ partitions }) => partitions).find((row) => row.errorCode !== ErrorCode.NONE)
  if (refused !== undefined) throw failureOf(refused.errorCode)
}

export function csvOf(rows: readonly NewOffset[], withGroup: boolean): string {
  return rows
    .map(({ group, topic, partition, offset }) => `${withGroup ? `${group},` : ''}${topic},${partition},${offset}\n`)
    .join('')
}

export function resetTable(rows: readonly NewOffset[]): string {
  const groupWidth = Math.max(15, ...rows.map(({ group }) => group.length))
  const topicWidth = Math.max(15, ...rows.map(({ topic }) => topic.length))
  const line = (group: string, topic: string, partition: string | number, offset: string | number) =>
    `\n${cell(group, groupWidth)} ${cell(topic, topicWidth)} ${cell(partition, 10)} ${offset}`
  const lines = rows.map(({ group, topic, partition, offset }) => line(group, topic, partition, offset))
  return rows.length === 0 ? '' : `${line('GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET')}${lines.join('')}\n`
}
