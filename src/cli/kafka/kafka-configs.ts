import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { CONNECTION_OPTIONS, readProperties, withAdmin } from './admin-properties.ts'
import { type ConfigEntity, ENTITY_OPTIONS, entityOf, resourceOf } from './config-entity.ts'
import { describeEntity } from './config-tables.ts'
import { refuse } from './java-errors.ts'
import { exactlyOneAction } from './option-rules.ts'
import type { Options } from './option-table.ts'
import { ToolFailure, UsageExit } from './tool-failure.ts'
import { describeTool, runTool, type ToolClient, type ToolIo, toolFailureOf } from './tool-io.ts'

export const KAFKA_CONFIGS = describeTool(
  'kafka-configs',
  'Show and change configs of topics, brokers, groups and client metrics.',
  {
    ...CONNECTION_OPTIONS,
    ...ENTITY_OPTIONS,
    'bootstrap-controller': { kind: 'value', value: 'HOST:PORT', about: 'Refused: there is no controller listener.' },
    describe: { kind: 'none', about: 'Show what was set.' },
    alter: { kind: 'none', about: 'Change configs.' },
    all: { kind: 'none', about: 'With --describe: also what was not set.' },
    'add-config': { kind: 'value', value: 'NAME=VALUE,…', about: 'With --alter: what to set; lists as NAME=[A,B].' },
    'add-config-file': { kind: 'value', value: 'FILE', about: 'With --alter: what to set, from a properties file.' },
    'delete-config': { kind: 'value', value: 'NAME,…', about: 'With --alter: what to put back to its default.' },
    force: { kind: 'none', about: 'Accepted without effect.' },
  },
)

export type ConfigOptions = Options<keyof typeof KAFKA_CONFIGS.options>

const SET = 0
const DELETE = 1

export function kafkaConfigs(args: readonly string[], io: ToolIo): Promise<number> {
  return runTool(
    KAFKA_CONFIGS,
    args,
    io,
    async ({ options }) => {
      const message = 'Command must include exactly one action: --describe, --alter'
      const action = exactlyOneAction(options, ['describe', 'alter'], message)
      let entity: ConfigEntity
      let changes: Change[]
      try {
        if (options.has('bootstrap-controller')) {
          throw new ToolFailure('--bootstrap-controller: there is no controller listener; use --bootstrap-server')
        }
        if (!options.has('bootstrap-server')) {
          throw new ToolFailure('Either --bootstrap-server or --bootstrap-controller must be specified.')
        }
        entity = entityOf(options, action)
        changes = action === 'alter' ? changesOf(options, io) : []
      } catch (error) {
        if (error instanceof UsageExit) throw error
        io.err(`${toolFailureOf(error).message}\n`)
        return 1
      }
      try {
        await withAdmin(io, options, action === 'alter' ? 'incrementalAlterConfigs' : 'describeConfigs', (client) => {
          return action === 'alter' ? alter(client, entity, changes, io) : describeEntity(client, entity, options, io)
        })
        return 0
      } catch (error) {
        io.err(`Error while executing config command with args '${args.join(' ')}'\n`)
        io.err(`java.util.concurrent.ExecutionException: ${toolFailureOf(error).text}\n`)
        return 1
      }
    },
    'usage',
  )
}

interface Change {
  readonly name: string
  readonly configOperation: number
  readonly value: string | null
}

function changesOf(options: ConfigOptions, io: ToolIo): Change[] {
  if (!options.has('add-config') && !options.has('add-config-file') && !options.has('delete-config')) {
    throw new ToolFailure(
      'At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter',
    )
  }
  if (options.has('add-config') && options.has('add-config-file')) {
    throw new ToolFailure('Only one of --add-config or --add-config-file must be specified')
  }
  const added = new Map([
    ...readProperties(io, options.value('add-config-file')),
    ...addedConfigs(options.value('add-config') ?? ''),
  ])
  const removed = (options.value('delete-config') ?? '').split(',').filter((name) => name.trim() !== '')
  return [
    ...[...added].map(([name, value]) => ({ name, configOperation: SET, value })),
    ...removed.map((name) => ({ name: name.trim(), configOperation: DELETE, value: null })),
  ]
}

/** `a=1,b=[2,3]`: commas within brackets belong to the value, and the brackets do not. */
export function addedConfigs(text: string): Map<string, string> {
  const configs = new Map<string, string>()
  for (const part of text.split(/,(?=[^\]]*(?:\[|$))/)) {
    if (part.trim() === '') continue
    const at = part.indexOf('=')
    if (at < 0) {
      const form = '"key=val" or  "key=[val1,val2]" to group values which contain commas.'
      throw new ToolFailure(
        `requirement failed: Invalid entity config: all configs to be added must be in the format ${form}`,
      )
    }
    configs.set(
      part.slice(0, at).trim(),
      part
        .slice(at + 1)
        .trim()
        .replaceAll(/[[\]]/g, ''),
    )
  }
  return configs
}

async function alter(client: ToolClient, entity: ConfigEntity, changes: readonly Change[], io: ToolIo): Promise<void> {
  const { resourceType, to } = resourceOf(entity.type, entity.name ?? '')
  const configs = changes.map((change) => ({ ...change }))
  const resources = [{ resourceType, resourceName: entity.name ?? '', configs }]
  const answer = await client.send(IncrementalAlterConfigs, { resources, validateOnly: false }, to)
  for (const { errorCode, errorMessage } of answer.responses) refuse(errorCode, errorMessage)
  const what =
    entity.name === ''
      ? `default config for ${entity.type} in the cluster`
      : `config for ${singular(entity.type)} ${entity.name}`
  io.out(`Completed updating ${what}.\n`)
}

function singular(type: string): string {
  return type.slice(0, -1)
}
