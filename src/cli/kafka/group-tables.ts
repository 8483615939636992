import { wantedGroups } from './group-commands.ts'
import { groupLag, type LagRow } from './group-lag.ts'
import {
  coordinatorOf,
  describeGroup,
  type GroupDescription,
  type GroupMember,
  type TopicPartition,
} from './group-queries.ts'
import type { GroupOptions } from './kafka-consumer-groups.ts'
import { cell } from './text-table.ts'
import type { ToolClient, ToolIo } from './tool-io.ts'

const MISSING = '-'
const COLUMN = 15

export async function describeGroups(client: ToolClient, options: GroupOptions, io: ToolIo): Promise<void> {
  const verbose = options.has('verbose')
  const groups = [...(await wantedGroups(client, options))].sort()
  const descriptions: GroupDescription[] = []
  for (const group of groups) descriptions.push(await describeGroup(client, group))
  for (const description of descriptions) {
    if (options.has('members')) {
      // With members the heading is printed in any case.
      saysState(description, description.members.length, io)
      io.out(membersTable(description, verbose))
    } else if (options.has('state')) {
      if (!saysState(description, 1, io)) continue
      io.out(stateTable(description, await coordinatorText(client, description.groupId), verbose))
    } else {
      const rows = await groupLag(client, description)
      if (saysState(description, rows.length, io)) io.out(offsetsTable(description.groupId, rows, verbose))
    }
  }
}

async function coordinatorText(client: ToolClient, group: string): Promise<string> {
  const { id, host, port } = await coordinatorOf(client, group)
  return `${host}:${port}  (${id})`
}

/** Says on standard error what is unusual; whether there is something to print. */
function saysState({ groupId, state }: GroupDescription, rows: number, io: ToolIo): boolean {
  if (state === 'Dead') io.out(`\nError: Consumer group '${groupId}' does not exist.\n`)
  else if (state === 'Empty') io.err(`\nConsumer group '${groupId}' has no active members.\n`)
  else if (state !== 'Stable') io.err(`\nWarning: Consumer group '${groupId}' is rebalancing.\n`)
  return state !== 'Dead' && rows > 0
}

function widest(minimum: number, values: readonly string[]): number {
  return Math.max(minimum, ...values.map(({ length }) => length))
}

/** Cells of the given widths, the last one as long as it is. */
function row(values: readonly string[], widths: readonly number[]): string {
  return values.map((value, at) => (at < widths.length ? cell(value, widths[at]!) : value)).join(' ')
}

export function offsetsTable(group: string, rows: readonly LagRow[], verbose: boolean): string {
  const widths = [
    widest(COLUMN, [group]),
    widest(
      COLUMN,
      rows.map(({ topic }) => topic ?? MISSING),
    ),
    10,
    ...(verbose ? [COLUMN] : []),
    COLUMN,
    COLUMN,
    COLUMN,
    widest(
      COLUMN,
      rows.map(({ memberId }) => memberId ?? MISSING),
    ),
    widest(
      COLUMN,
      rows.map(({ host }) => host ?? MISSING),
    ),
  ]
  const headings = [
    'GROUP',
    'TOPIC',
    'PARTITION',
    ...(verbose ? ['LEADER-EPOCH'] : []),
    'CURRENT-OFFSET',
    'LOG-END-OFFSET',
    'LAG',
    'CONSUMER-ID',
    'HOST',
    'CLIENT-ID',
  ]
  const lines = rows.map((one) => [
    group,
    shown(one.topic),
    shown(one.partition),
    ...(verbose ? [shown(one.leaderEpoch)] : []),
    shown(one.offset),
    shown(one.endOffset),
    shown(one.lag),
    shown(one.memberId),
    shown(one.host),
    shown(one.clientId),
  ])
  return `\n${[headings, ...lines].map((line) => row(line, widths)).join('\n')}\n`
}

function shown(value: string | number | null): string {
  return value === null ? MISSING : String(value)
}

export function membersTable({ groupId, members }: GroupDescription, verbose: boolean): string {
  const hasInstances = members.some(({ instanceId }) => instanceId !== null && instanceId !== '')
  const columns: [heading: string, width: number, value: (member: GroupMember) => string][] = [
    ['GROUP', widest(COLUMN, [groupId]), () => groupId],
    [
      'CONSUMER-ID',
      widest(
        COLUMN,
        members.map(({ memberId }) => memberId),
      ),
      ({ memberId }) => memberId,
    ],
  ]
  if (hasInstances) {
    const ids = members.map(({ instanceId }) => instanceId ?? '')
    columns.push(['GROUP-INSTANCE-ID', widest(17, ids), ({ instanceId }) => instanceId ?? ''])
  }
  columns.push(
    [
      'HOST',
      widest(
        COLUMN,
        members.map(({ host }) => host),
      ),
      ({ host }) => host,
    ],
    [
      'CLIENT-ID',
      widest(
        COLUMN,
        members.map(({ clientId }) => clientId),
      ),
      ({ clientId }) => clientId,
    ],
    ['#PARTITIONS', COLUMN, ({ partitions }) => String(partitions.length)],
  )
  if (verbose) {
    const current = members.map(({ partitions }) => assignmentText(partitions))
    const target = members.map((member) => assignmentText(member.target))
    columns.push(
      ['CURRENT-EPOCH', COLUMN, ({ epoch }) => shown(epoch)],
      ['CURRENT-ASSIGNMENT', widest(20, current), ({ partitions }) => assignmentText(partitions)],
      ['TARGET-EPOCH', COLUMN, ({ targetEpoch }) => shown(targetEpoch)],
      ['TARGET-ASSIGNMENT', widest(20, target), (member) => assignmentText(member.target)],
    )
  }
  const widths = columns.map(([, width]) => width)
  const lines = [
    columns.map(([heading]) => heading),
    ...members.map((member) => columns.map(([, , value]) => value(member))),
  ]
  // The last column of the short form has a blank behind it.
  return `\n${lines.map((line) => `${row(line, widths)}${verbose ? '' : ' '}`).join('\n')}\n`
}

/** `orders:0,1;payments:0` */
function assignmentText(partitions: readonly TopicPartition[]): string {
  if (partitions.length === 0) return MISSING
  const topics = [...new Set(partitions.map(({ topic }) => topic))].sort()
  return topics
    .map((topic) => {
      const numbers = partitions.filter((one) => one.topic === topic).map(({ partition }) => partition)
      return `${topic}:${numbers.sort((a, b) => a - b).join(',')}`
    })
    .join(';')
}

export function stateTable(description: GroupDescription, coordinator: string, verbose: boolean): string {
  const { groupId, state, assignor, members, groupEpoch, targetEpoch } = description
  const widths = [widest(COLUMN, [groupId]), widest(25, [coordinator]), 20, 20, ...(verbose ? [COLUMN, 25] : [])]
  const headings = ['GROUP', 'COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE']
  const values = [groupId, coordinator, assignor || MISSING, state]
  if (verbose) {
    headings.push('GROUP-EPOCH', 'TARGET-ASSIGNMENT-EPOCH')
    values.push(shown(groupEpoch), shown(targetEpoch))
  }
  const lines = [
    [...headings, '#MEMBERS'],
    [...values, String(members.length)],
  ]
  return `\n${lines.map((line) => row(line, widths)).join('\n')}\n`
}
