import { BOOTSTRAP, COMMAND_CONFIG, withAdmin } from './admin-properties.ts'
import { deleteGroups, listFilters, listGroups, printError } from './group-commands.ts'
import { deleteGroupOffsets } from './group-offset-deletion.ts'
import { csvOf, resetGroupOffsets, resetTable } from './group-offset-reset.ts'
import { RESET_SCENARIOS } from './group-reset-options.ts'
import { describeGroups } from './group-tables.ts'
import { exactlyOneAction, requireArguments } from './option-rules.ts'
import type { Options } from './option-table.ts'
import { UsageExit } from './tool-failure.ts'
import { describeTool, runTool, type ToolClient, type ToolIo, toolFailureOf } from './tool-io.ts'

export const KAFKA_CONSUMER_GROUPS = describeTool(
  'kafka-consumer-groups',
  'List, describe and delete consumer groups, and move their offsets.',
  {
    'bootstrap-server': BOOTSTRAP,
    'command-config': COMMAND_CONFIG,
    list: { kind: 'none', about: 'List the groups; --state and --type add columns.' },
    describe: { kind: 'none', about: 'Show offsets and lag, or --members or --state.' },
    delete: { kind: 'none', about: 'Delete groups that have no members.' },
    'reset-offsets': { kind: 'none', about: 'Move the offsets of a group without members; needs --execute.' },
    'delete-offsets': { kind: 'none', about: 'Delete the offsets of a group for topics.' },
    'validate-regex': { kind: 'value', value: 'REGEX', about: 'Say whether a regular expression is valid.' },
    group: { kind: 'value', value: 'GROUP', about: 'The group. May be repeated.' },
    'all-groups': { kind: 'none', about: 'All groups.' },
    topic: { kind: 'value', value: 'TOPIC[:0,1]', about: 'The topic, with or without partitions. May be repeated.' },
    'all-topics': { kind: 'none', about: 'All topics of which the group has offsets.' },
    members: { kind: 'none', about: 'With --describe: the members.' },
    offsets: { kind: 'none', about: 'With --describe: offsets and lag; the default.' },
    state: {
      kind: 'optional',
      value: 'STATE,…',
      about: 'With --describe: the state. With --list: a column and filter.',
    },
    type: { kind: 'optional', value: 'TYPE,…', about: 'With --list: a column and filter; classic or consumer.' },
    verbose: { kind: 'none', about: 'With --describe: more columns.' },
    timeout: { kind: 'value', integer: true, value: 'MS', about: 'How long to wait for an answer.' },
    'dry-run': { kind: 'none', about: 'With --reset-offsets: only show.' },
    execute: { kind: 'none', about: 'With --reset-offsets: do it.' },
    export: { kind: 'none', about: 'With --reset-offsets: print CSV.' },
    'to-earliest': { kind: 'none', about: 'To the first offset.' },
    'to-latest': { kind: 'none', about: 'To the end.' },
    'to-current': { kind: 'none', about: 'To where they are.' },
    'to-offset': { kind: 'value', integer: true, value: 'OFFSET', about: 'To this offset.' },
    'shift-by': { kind: 'value', integer: true, value: 'N', about: 'So many forward, or back with a minus.' },
    'to-datetime': {
      kind: 'value',
      value: 'YYYY-MM-DDThh:mm:ss.sss[±hh:mm]',
      about: 'To the first record since then.',
    },
    'by-duration': { kind: 'value', value: 'PnDTnHnMnS', about: 'To the first record of the time before now.' },
    'from-file': { kind: 'value', value: 'FILE', about: 'To what a CSV file says: [group,]topic,partition,offset.' },
  },
)

export type GroupOptions = Options<keyof typeof KAFKA_CONSUMER_GROUPS.options>

const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets', 'validate-regex'] as const
type Action = (typeof ACTIONS)[number]
const ACTION_MESSAGE = `Command must include exactly one action: ${ACTIONS.map((name) => `--${name}`).join(', ')}`

export function kafkaConsumerGroups(args: readonly string[], io: ToolIo): Promise<number> {
  return runTool(
    KAFKA_CONSUMER_GROUPS,
    args,
    io,
    async ({ options }) => {
      checkOptions(options, io)
      const action = exactlyOneAction(options, ACTIONS, ACTION_MESSAGE)
      if (action === 'validate-regex') return validateRegex(options, io)
      if (action === 'list') listFilters(options)
      try {
        await withAdmin(io, options, 'listGroups', (client) => run(action, client, options, io))
      } catch (error) {
        if (error instanceof UsageExit) throw error
        const failure = toolFailureOf(error)
        printError(`Executing consumer group command failed due to ${failure.outerMessage}`, io)
        io.err(`${failure.stackStart}\n`)
      }
      // Kafka's tool ends with 0 here too, also when no broker has answered.
      return 0
    },
    'usage',
  )
}

function run(
  action: Exclude<Action, 'validate-regex'>,
  client: ToolClient,
  options: GroupOptions,
  io: ToolIo,
): Promise<void> {
  switch (action) {
    case 'list':
      return listGroups(client, options, io)
    case 'describe':
      return describeGroups(client, options, io)
    case 'delete':
      return deleteGroups(client, options, io)
    case 'delete-offsets':
      return deleteGroupOffsets(client, options, io)
    case 'reset-offsets':
      return resetOffsets(client, options, io)
  }
}

async function resetOffsets(client: ToolClient, options: GroupOptions, io: ToolIo): Promise<void> {
  const rows = await resetGroupOffsets(client, options, io)
  io.out(options.has('export') ? `${csvOf(rows, options.values('group').length > 1)}\n` : resetTable(rows))
}

function validateRegex(options: GroupOptions, io: ToolIo): number {
  const text = options.value('validate-regex')!
  try {
    new RegExp(text)
    io.out(`The regular expression \`${text}\` is valid.\n`)
  } catch (error) {
    io.out(`The regular expression \`${text}\` is invalid: ${(error as Error).message}.\n`)
  }
  return 0
}

const DRY_RUN_WARNING =
  'WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require ' +
  'either --dry-run or --execute to be specified. You should add the --dry-run option explicitly if you are scripting ' +
  'this command and want to keep the current default behavior without prompting.\n'

type Name = Parameters<GroupOptions['has']>[0]

function checkOptions(options: GroupOptions, io: ToolIo): void {
  if (!options.has('validate-regex')) requireArguments(options, 'bootstrap-server')
  if (options.has('describe')) checkDescribe(options)
  else if (options.has('timeout') && options.has('list')) refuseWith(options, 'list', ['timeout'])
  if (options.has('delete')) {
    needsOneOf(options, 'delete', ['group', 'all-groups'])
    if (options.has('topic'))
      throw new UsageExit('The consumer does not support topic-specific offset deletion from a consumer group.')
  }
  if (options.has('delete-offsets') && !(options.has('group') && options.has('topic'))) {
    throw new UsageExit('Option [delete-offsets] takes the following options: [topic], [group]')
  }
  if (options.has('reset-offsets')) checkReset(options, io)
  refuseWith(options, 'group', ['all-groups'])
  if (options.has('group')) refuseIn(options, 'group', ['list'])
  if (options.has('all-topics')) refuseWith(options, 'all-topics', ['topic'])
}

function checkDescribe(options: GroupOptions): void {
  needsOneOf(options, 'describe', ['group', 'all-groups'])
  const views = (['members', 'offsets', 'state'] as const).filter((name) => options.has(name))
  if (views.length > 1) {
    throw new UsageExit('Option [describe] takes at most one of these options: [members], [offsets], [state]')
  }
  if (options.has('state') && options.value('state') !== null) {
    throw new UsageExit('Option [describe] does not take a value for [state]')
  }
}

function checkReset(options: GroupOptions, io: ToolIo): void {
  if (options.has('dry-run') && options.has('execute')) {
    throw new UsageExit('Option [reset-offsets] only accepts one of [execute] and [dry-run]')
  }
  if (!options.has('dry-run') && !options.has('execute')) io.err(DRY_RUN_WARNING)
  needsOneOf(options, 'reset-offsets', ['group', 'all-groups'])
  for (const scenario of RESET_SCENARIOS) refuseWith(options, scenario, RESET_SCENARIOS)
}

function needsOneOf(options: GroupOptions, action: Name, names: readonly Name[]): void {
  if (names.some((name) => options.has(name))) return
  throw new UsageExit(`Option [${action}] takes one of these options: ${names.map((name) => `[${name}]`).join(', ')}`)
}

function refuseWith(options: GroupOptions, name: Name, others: readonly Name[]): void {
  if (!options.has(name)) return
  const other = others.find((one) => one !== name && options.has(one))
  if (other !== undefined) throw new UsageExit(`Option "[${name}]" can't be used with option "[${other}]"`)
}

function refuseIn(options: GroupOptions, name: Name, actions: readonly Name[]): void {
  const action = actions.find((one) => options.has(one) && !options.has('describe'))
  if (action !== undefined) throw new UsageExit(`Option "[${name}]" can't be used with option "[${action}]"`)
}
