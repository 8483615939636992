import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { refuseError } from '../../client/client-error.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { brokerCommand, printJson } from '../broker-command.ts'
import type { Given } from '../command.ts'
import type { CommandIo } from '../command-io.ts'
import { UsageError } from '../usage-error.ts'
import { RESOURCE_KINDS, RESOURCE_TYPES, targetOf } from './config-resource.ts'
import { givenResource, RESOURCE_ARGUMENTS } from './given-resource.ts'

interface Change {
  readonly name: string
  /** Null takes it back. */
  readonly value: string | null
}

const SET = 0
const DELETE = 1

export const setConfigs = brokerCommand({
  name: 'set',
  about: 'change settings; all of them, or none',
  arguments: `${RESOURCE_ARGUMENTS} SETTING=VALUE...`,
  argumentCompletes: RESOURCE_KINDS,
  options: {},
  json: '{ name: string, value: string }[]',
  check: (given) => void changesToSet(given),
  run: (client, given, io) => alter(client, given, io, changesToSet(given)),
})

export const unsetConfigs = brokerCommand({
  name: 'unset',
  about: 'take settings back, so that the defaults hold again',
  arguments: `${RESOURCE_ARGUMENTS} SETTING...`,
  argumentCompletes: RESOURCE_KINDS,
  options: {},
  json: '{ name: string, value: null }[]',
  check: (given) => void changesToUnset(given),
  run: (client, given, io) => alter(client, given, io, changesToUnset(given)),
})

function changesToSet(given: Given): Change[] {
  const { rest } = givenResource(given)
  if (rest.length === 0) throw new UsageError('say which settings: SETTING=VALUE')
  return rest.map((text) => {
    const at = text.indexOf('=')
    if (at > 0) return { name: text.slice(0, at), value: text.slice(at + 1) }
    throw new UsageError(`${text}: a setting has the form SETTING=VALUE`)
  })
}

function changesToUnset(given: Given): Change[] {
  const { rest } = givenResource(given)
  if (rest.length === 0) throw new UsageError('say which settings')
  return rest.map((name) => ({ name, value: null }))
}

async function alter(client: KafkaClient, given: Given, io: CommandIo, changes: readonly Change[]): Promise<number> {
  const { kind, name } = givenResource(given)
  const configs = changes.map((change) => {
    return { name: change.name, configOperation: change.value === null ? DELETE : SET, value: change.value }
  })
  const resource = { resourceType: RESOURCE_TYPES[kind], resourceName: name, configs }
  const request = { resources: [resource], validateOnly: false }
  const target = kind === 'broker' ? targetOf(kind, name) : 'controller'
  const [answer] = (await client.send(IncrementalAlterConfigs, request, target)).responses
  refuseError(`settings of ${kind} ${name || 'default'}`, answer!.errorCode, answer!.errorMessage)
  if (given.has('json')) await printJson(io, changes)
  else {
    for (const change of changes) {
      await io.out(
        change.value === null ? `${change.name} has its default again\n` : `${change.name}=${change.value}\n`,
      )
    }
  }
  return 0
}
