import { DeleteGroups } from '../../../protocol/messages/42-delete-groups.ts'
import { type ListedGroup, listedGroups } from './group-queries.ts'
import { failureOf } from './java-errors.ts'
import type { GroupOptions } from './kafka-consumer-groups.ts'
import { cell } from './text-table.ts'
import { UsageExit } from './tool-failure.ts'
import type { ToolClient, ToolIo } from './tool-io.ts'

const STATES = [
  'Empty',
  'Assigning',
  'Stable',
  'Dead',
  'CompletingRebalance',
  'Reconciling',
  'PreparingRebalance',
] as const
const TYPES = ['Classic', 'Consumer'] as const
const MIN_GROUP_WIDTH = 15
const COLUMN_WIDTH = 20

export function printError(message: string, io: ToolIo): void {
  io.out(`\nError: ${message}\n`)
}

/** What --state and --type ask for. Throws UsageExit for names that are none. */
export function listFilters(options: GroupOptions): { states: string[]; types: string[] } {
  return {
    states: chosen(options.value('state'), STATES, 'state', 'states'),
    types: chosen(options.value('type'), TYPES, 'types', 'types'),
  }
}

export async function listGroups(client: ToolClient, options: GroupOptions, io: ToolIo): Promise<void> {
  const { states, types } = listFilters(options)
  const groups = await listedGroups(client, states, types)
  if (!options.has('state') && !options.has('type')) {
    for (const { groupId } of groups) io.out(`${groupId}\n`)
    return
  }
  const shown: ('type' | 'state')[] = []
  if (options.has('type')) shown.push('type')
  if (options.has('state')) shown.push('state')
  const groupWidth = Math.max(MIN_GROUP_WIDTH, ...groups.map(({ groupId }) => groupId.length)) + 10
  const line = (group: string, rest: readonly string[]) =>
    io.out(`${[cell(group, groupWidth), ...rest.map((value) => cell(value, COLUMN_WIDTH))].join(' ')}\n`)
  line(
    'GROUP',
    shown.map((name) => name.toUpperCase()),
  )
  for (const group of groups)
    line(
      group.groupId,
      shown.map((name) => group[name]),
    )
}

/** A list of names in any case; null and '' mean no filter. */
function chosen(text: string | null, valid: readonly string[], what: string, plural: string): string[] {
  if (text === null || text === '') return []
  const names = text.split(',').map((part) => {
    return valid.find((name) => name.toLowerCase() === part.trim().replaceAll(/[_-]/g, '').toLowerCase())
  })
  if (names.every((name) => name !== undefined)) return names
  const known = valid.join(', ')
  throw new UsageExit(`Invalid ${what} list '${text}'. Valid ${plural} are: ${known}`)
}

/** Those that --group names, or all of the cluster. */
export async function wantedGroups(client: ToolClient, options: GroupOptions): Promise<string[]> {
  if (!options.has('all-groups')) return [...new Set(options.values('group'))]
  return (await listedGroups(client, [], [])).map(({ groupId }: ListedGroup) => groupId).sort()
}

export async function deleteGroups(client: ToolClient, options: GroupOptions, io: ToolIo): Promise<void> {
  const groups = await wantedGroups(client, options)
  const done: string[] = []
  const failed = new Map<string, string>()
  for (const group of groups) {
    const { results } = await client.send(DeleteGroups, { groupsNames: [group] }, { group })
    const errorCode = results[0]?.errorCode ?? 0
    if (errorCode === 0) done.push(group)
    else failed.set(group, failureOf(errorCode).text)
  }
  const names = done.map((group) => `'${group}'`).join(', ')
  if (failed.size === 0) {
    io.out(`Deletion of requested consumer groups (${names}) was successful.\n`)
    return
  }
  printError('Deletion of some consumer groups failed:', io)
  for (const [group, reason] of failed) io.out(`* Group '${group}' could not be deleted due to: ${reason}\n`)
  if (done.length > 0) io.out(`\nThese consumer groups were deleted successfully: ${names}\n`)
}
