import { ErrorCode } from '../../protocol/errors.ts'
import {
  type Alteration,
  alterConfig,
  type ConfigOperation,
  type ConfigRules,
  replaceConfig,
} from '../config/config-alteration.ts'
import { type ConfigContext, rulesOf } from './config-resource.ts'
import type { Decision, MetadataRecord } from './metadata.ts'
import { ConfigResource, type ConfigResourceType, type MetadataImage } from './metadata-image.ts'
import { configRecord } from './metadata-record.ts'

interface Resource {
  /** ConfigResource, or whatever a client sent. */
  readonly type: number
  readonly name: string
}

/** One resource of IncrementalAlterConfigs. */
export interface ConfigAlteration extends Resource {
  readonly operations: readonly ConfigOperation[]
}

/** One resource of AlterConfigs: all that shall be set on it. */
export interface ConfigReplacement extends Resource {
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

export interface AlteredResource extends Resource {
  readonly error: ErrorCode
  readonly message: string | null
}

/** Some operations on each resource: all of a resource's or none, and none stands in another's way. */
export function alterConfigs(
  image: MetadataImage,
  resources: readonly ConfigAlteration[],
  context: ConfigContext,
  validateOnly: boolean,
): Decision<AlteredResource[]> {
  return decide(image, resources, context, validateOnly, ({ operations }, current, rules) =>
    alterConfig(current, operations, rules),
  )
}

/** New settings for each resource in the place of all it has. */
export function replaceConfigs(
  image: MetadataImage,
  resources: readonly ConfigReplacement[],
  context: ConfigContext,
  validateOnly: boolean,
): Decision<AlteredResource[]> {
  return decide(image, resources, context, validateOnly, ({ configs }, current, rules) =>
    replaceConfig(current, configs, rules),
  )
}

type Alter<R> = (resource: R, current: ReadonlyMap<string, string>, rules: ConfigRules) => Alteration

function decide<R extends Resource>(
  image: MetadataImage,
  resources: readonly R[],
  context: ConfigContext,
  validateOnly: boolean,
  alter: Alter<R>,
): Decision<AlteredResource[]> {
  const times = new Map<string, number>()
  const key = ({ type, name }: Resource) => `${type} ${name}`
  for (const resource of resources) times.set(key(resource), (times.get(key(resource)) ?? 0) + 1)
  const records: MetadataRecord[] = []
  const result = resources.map((resource): AlteredResource => {
    const { type, name } = resource
    if (times.get(key(resource))! > 1) {
      const message = 'Each resource must appear at most once.'
      return { type, name, error: ErrorCode.INVALID_REQUEST, message }
    }
    const altered = alterOne(image, resource, context, alter)
    if (!('changes' in altered)) return { type, name, ...altered }
    if (!validateOnly) records.push(...recordsOf(resource, altered.changes))
    return { type, name, error: ErrorCode.NONE, message: null }
  })
  return { records, result }
}

function alterOne<R extends Resource>(
  image: MetadataImage,
  resource: R,
  context: ConfigContext,
  alter: Alter<R>,
): Alteration {
  const { type, name } = resource
  const rules = rulesOf(image, type, name, context)
  if ('error' in rules) return rules
  const altered = alter(resource, image.configOf(type as ConfigResourceType, name), rules)
  const absent = type === ConfigResource.TOPIC && !image.topics.has(name)
  if (altered.error !== ErrorCode.NONE || !absent) return altered
  return { error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: `The topic '${name}' does not exist.` }
}

function recordsOf({ type, name }: Resource, changes: ReadonlyMap<string, string | null>): MetadataRecord[] {
  return [...changes].map(([key, value]) => configRecord({ resourceType: type, resourceName: name, name: key, value }))
}
