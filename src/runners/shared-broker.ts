import type { GroupMilestone } from '../testing/group-watch.ts'
import { Message } from '../testing/message.ts'
import type { TopicSpec } from '../testing/topic-spec.ts'
import type { WaitForGroupOptions, WaitOptions } from '../testing/wait-options.ts'
import type { RunAddress } from './run-broker.ts'

/** A record as the HTTP side tells it; bytes that are no text are in base64 under another name. */
interface SentMessage extends SentBytes<'key'>, SentBytes<'value'> {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly headers: readonly (SentBytes<'value'> & { readonly key: string })[]
}

type SentBytes<Name extends string> = { readonly [name in Name]?: string | null } & {
  readonly [name in `${Name}Base64`]?: string
}

/**
 * The broker of a run as one worker uses it. Topics and groups of different workers have different prefixes, so that
 * files that run at the same time do not meet. Names that are given to its methods are without the prefix; `topic()`
 * and `group()` tell the whole name, for clients.
 */
export class SharedBroker {
  /** `host:port`, comma-separated: what clients call bootstrap.servers. */
  readonly bootstrapServers: string
  /** `http://host:port` of the HTTP side. */
  readonly httpUrl: string
  /** What the names of this worker's topics and groups begin with. */
  readonly prefix: string

  /** @internal */
  constructor({ bootstrapServers, httpUrl }: RunAddress, prefix: string) {
    this.bootstrapServers = bootstrapServers
    this.httpUrl = httpUrl
    this.prefix = prefix
  }

  /** The whole name of a topic of this worker. */
  topic(name: string): string {
    return this.prefix + name
  }

  /** The whole name of a group of this worker. */
  group(name: string): string {
    return this.prefix + name
  }

  /** Resolves when all can be produced to. Throws, naming each topic that could not be created; the others are. */
  async createTopics(topics: readonly (string | TopicSpec)[]): Promise<void> {
    const specs = topics.map((topic) => (typeof topic === 'string' ? { name: topic } : topic))
    await this.request('POST', '/topics', { topics: specs.map((spec) => ({ ...spec, name: this.topic(spec.name) })) })
  }

  /** The records of a topic, partition after partition, the first 10,000. Throws when there is no such topic. */
  async messages(topic: string): Promise<Message[]> {
    return this.#messagesOf(topic, await this.request('GET', `${this.#pathOf(topic)}/messages`))
  }

  /** Resolves with the first `count` messages of a topic. Throws when they are not there in time, saying how many are. */
  async waitForMessages(topic: string, count: number, options: WaitOptions = {}): Promise<Message[]> {
    return this.#messagesOf(topic, await this.request('POST', `${this.#pathOf(topic)}/wait`, { count, ...options }))
  }

  /** Resolves when a group is that far. Throws when it is not in time, saying what it lacks. */
  async waitForGroup(group: string, milestone: GroupMilestone, options: WaitForGroupOptions = {}): Promise<void> {
    const path = `/groups/${encodeURIComponent(this.group(group))}/wait`
    await this.request('POST', path, { until: milestone, ...options })
  }

  /** The topics and groups of this worker go; what others have stays, and so do faults and the time. */
  async reset(): Promise<void> {
    await this.request('POST', '/reset', { prefix: this.prefix })
  }

  /** Anything else of the HTTP side, such as faults; `GET /` lists what there is. Throws with the reason of a refusal. */
  async request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
    const response = await fetch(new URL(path, this.httpUrl), {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const answer = (await response.json()) as { error?: string }
    if (!response.ok) throw new Error(answer.error ?? `${method} ${path}: ${response.status} ${response.statusText}`)
    return answer
  }

  #pathOf(topic: string): string {
    return `/topics/${encodeURIComponent(this.topic(topic))}`
  }

  #messagesOf(topic: string, answer: unknown): Message[] {
    const { messages } = answer as { messages: readonly SentMessage[] }
    return messages.map((sent) => {
      const { partition, offset, timestampMs } = sent
      const headers = sent.headers.map((header) => ({
        key: header.key,
        value: bytesOf(header.value, header.valueBase64),
      }))
      const key = bytesOf(sent.key, sent.keyBase64)
      const value = bytesOf(sent.value, sent.valueBase64)
      return new Message(this.topic(topic), partition, { offset, timestamp: timestampMs, key, value, headers })
    })
  }
}

function bytesOf(text: string | null | undefined, base64: string | undefined): Buffer | null {
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  return text === null || text === undefined ? null : Buffer.from(text)
}
