import type { Api, RequestOf } from '../../protocol/codec/schema.ts'
import { ZERO_UUID } from '../../protocol/codec/schema.ts'
import type { RequestContext } from '../apis/context.ts'
import type { RequestSubject } from '../broker/request-fault-spec.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'

/** A request or a part of one, whose fields differ from API to API. */
export type LooseFields = Readonly<Record<string, unknown>>

const FETCH_KEY = 1
const METADATA_KEY = 3
/** Of a resource in a request about configs. */
const TOPIC_RESOURCE = 2
const GROUP_RESOURCE = 32
/** Of a key in FindCoordinator. */
const GROUP_KEY_TYPE = 0

/** What a request names, for rules that ask for it. APIs say it in few ways, and a new one will hardly find another. */
export class RequestNames implements RequestSubject {
  readonly #context: RequestContext
  readonly #request: LooseFields

  constructor(context: RequestContext, request: RequestOf<Api>) {
    this.#context = context
    this.#request = request as LooseFields
  }

  get apiKey(): number {
    return this.#context.apiKey
  }

  get clientId(): string {
    return this.#context.clientId ?? ''
  }

  get connectionId(): number {
    return this.#context.connection.id
  }

  get brokerId(): number {
    return this.#context.broker.membership.selfId
  }

  get topics(): readonly string[] {
    const { image } = this.#context.broker.metadata
    const { topicData, topics, topicPartitions, topicNames, groups, resources } = this.#request
    const lists = [topicData, topics, topicPartitions, topicNames, ...fieldsOf(groups).map((group) => group['topics'])]
    const named = lists.flatMap((list) => (this.#asksForAll(list) ? [...image.topics.keys()] : namesIn(list, image)))
    return [...named, ...this.#topicsOfSession(image), ...namesOfType(resources, TOPIC_RESOURCE)]
  }

  get groupIds(): readonly string[] {
    const { groupId, groups, groupsNames, groupIds, keyType, key, coordinatorKeys, resources } = this.#request
    const asked = keyType === GROUP_KEY_TYPE ? [key, ...listOf(coordinatorKeys)] : []
    const listed = [...listOf(groups), ...listOf(groupsNames), ...listOf(groupIds)]
    const ids = [groupId, ...asked, ...listed, ...fieldsOf(groups).map((group) => group['groupId'])]
    return [
      ...ids.filter((id): id is string => typeof id === 'string' && id !== ''),
      ...namesOfType(resources, GROUP_RESOURCE),
    ]
  }

  /** Null does, and in the first version of Metadata an empty list. */
  #asksForAll(list: unknown): boolean {
    if (list === null) return true
    const empty = Array.isArray(list) && list.length === 0
    return empty && this.apiKey === METADATA_KEY && this.#context.apiVersion === 0
  }

  /** An incremental fetch lists only what changes. */
  #topicsOfSession(image: MetadataImage): string[] {
    if (this.apiKey !== FETCH_KEY) return []
    const { sessionId, sessionEpoch } = this.#request
    if (typeof sessionId !== 'number' || typeof sessionEpoch !== 'number' || sessionEpoch <= 0) return []
    const partitions = this.#context.broker.fetchSessions.partitionsIn(sessionId)
    return [...new Set([...partitions].map((partition) => topicNameOf(partition, image)))]
  }
}

/** The name of what has a name or a topic id; empty where nothing has that id. */
export function topicNameOf(part: object, image: MetadataImage): string {
  const { topicId, name, topic, topicName } = part as LooseFields
  if (typeof topicId === 'string' && topicId !== ZERO_UUID) return image.topicsById.get(topicId)?.name ?? ''
  return [name, topic, topicName].find((one) => typeof one === 'string') ?? ''
}

function namesIn(list: unknown, image: MetadataImage): string[] {
  return listOf(list).map((part) => (typeof part === 'string' ? part : topicNameOf(part as object, image)))
}

function namesOfType(resources: unknown, type: number): string[] {
  return fieldsOf(resources).flatMap(({ resourceType, resourceName }) =>
    resourceType === type && typeof resourceName === 'string' ? [resourceName] : [],
  )
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Those of a list that have fields. */
function fieldsOf(value: unknown): readonly LooseFields[] {
  return listOf(value).filter((part) => typeof part === 'object' && part !== null) as LooseFields[]
}
