import { type Route, RouteError } from '../console/route.ts'
import type { DataSnapshot } from './data-snapshot.ts'
import { JsonFields } from './json-fields.ts'
import type { Message } from './message.ts'
import type { TestBroker } from './test-broker.ts'
import type { TopicSpec } from './topic-spec.ts'

const LONGEST_WAIT_MS = 300_000
/** Each holds a copy of all data. */
const MOST_SNAPSHOTS = 10
const MOST_MESSAGES = 10_000
const DONE = { status: 200, body: {} } as const

/** What a test does with a broker, for those who are not in its process. */
export function testRoutes(broker: TestBroker): readonly Route[] {
  return [
    ...stateRoutes(broker),
    ...topicRoutes(broker),
    ...waitRoutes(broker),
    ...timeRoutes(broker),
    ...brokerRoutes(broker),
  ]
}

function stateRoutes(broker: TestBroker): readonly Route[] {
  const snapshots = new Map<string, DataSnapshot>()
  let lastId = 0
  const find = (id: string) => {
    const snapshot = snapshots.get(id)
    if (snapshot !== undefined) return snapshot
    throw new RouteError(404, `there is no snapshot ${id}; there are: ${[...snapshots.keys()].join(', ') || 'none'}`)
  }
  const described = (id: string) => ({ id, sizeBytes: find(id).sizeBytes })
  return [
    {
      method: 'POST',
      path: '/reset',
      summary:
        'as new: no topics but those of the start, no groups, no settings, no faults; {"prefix": "a-"}: only names with it',
      handle: async (_context, _params, body) => {
        const fields = new JsonFields(body ?? {})
        const prefix = fields.optionalText('prefix')
        fields.end()
        await asked(broker.reset(prefix === undefined ? {} : { prefix }))
        return DONE
      },
    },
    {
      method: 'GET',
      path: '/snapshots',
      summary: 'the snapshots there are',
      handle: () => ({ status: 200, body: { snapshots: [...snapshots.keys()].map(described) } }),
    },
    {
      method: 'POST',
      path: '/snapshots',
      summary: 'keeps everything there is now',
      handle: async () => {
        if (snapshots.size >= MOST_SNAPSHOTS) {
          throw new RouteError(409, `there are ${MOST_SNAPSHOTS} snapshots, and no more are kept; DELETE one first`)
        }
        const id = String(++lastId)
        snapshots.set(id, await broker.snapshot())
        return { status: 201, body: described(id), location: `/snapshots/${id}` }
      },
    },
    {
      method: 'POST',
      path: '/snapshots/{id}/restore',
      summary: 'everything as it was at a snapshot; clients lose their connections and come back',
      handle: async (_context, { id }) => {
        await broker.restore(find(id!))
        return DONE
      },
    },
    {
      method: 'DELETE',
      path: '/snapshots/{id}',
      summary: 'forgets a snapshot',
      handle: (_context, { id }) => {
        const body = described(id!)
        snapshots.delete(id!)
        return { status: 200, body }
      },
    },
  ]
}

function topicRoutes(broker: TestBroker): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/topics',
      summary: 'the topics, with the end offset of each partition',
      handle: () => {
        const topics = broker.topicNames.map((name) => ({ name, endOffsets: broker.topic(name).endOffsets }))
        return { status: 200, body: { topics } }
      },
    },
    {
      method: 'POST',
      path: '/topics',
      summary: 'creates topics: {"topics": ["a", {"name": "b", "partitions": 3, "config": {}}]}',
      handle: async (_context, _params, body) => {
        const fields = new JsonFields(body)
        const topics = fields.list('topics').map(topicOf)
        fields.end()
        await asked(broker.createTopics(topics))
        return { status: 201, body: {} }
      },
    },
    {
      method: 'DELETE',
      path: '/topics/{name}',
      summary: 'deletes a topic',
      handle: async (_context, { name }) => {
        await asked(broker.deleteTopics([name!]))
        return DONE
      },
    },
    {
      method: 'GET',
      path: '/topics/{name}/messages',
      summary: `the committed messages of a topic, the first ${MOST_MESSAGES}`,
      handle: async (_context, { name }) => {
        const messages: object[] = []
        for await (const message of existing(broker, name!).messages()) {
          if (messages.push(describeMessage(message)) === MOST_MESSAGES) break
        }
        return { status: 200, body: { messages } }
      },
    },
  ]
}

function waitRoutes(broker: TestBroker): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/topics/{name}/wait',
      summary: 'answers when so many messages are there: {"count": 3, "timeoutMs": 10000}',
      handle: async (_context, { name }, body) => {
        const fields = new JsonFields(body)
        const count = fields.integer('count', { min: 1, max: MOST_MESSAGES })
        const timeoutMs = fields.integer('timeoutMs', { min: 0, max: LONGEST_WAIT_MS, otherwise: 10_000 })
        fields.end()
        const messages = await inTime(broker.waitForMessages(name!, count, { timeoutMs }))
        return { status: 200, body: { messages: messages.map(describeMessage) } }
      },
    },
    {
      method: 'POST',
      path: '/groups/{id}/wait',
      summary: 'answers when a group is so far: {"until": "assigned" or "caught up", "members": 1, "timeoutMs": 10000}',
      handle: async (_context, { id }, body) => {
        const fields = new JsonFields(body)
        const milestone = fields.oneOf('until', ['assigned', 'caught up'] as const)
        const members = fields.integer('members', { min: 1, max: 10_000, otherwise: 1 })
        const timeoutMs = fields.integer('timeoutMs', { min: 0, max: LONGEST_WAIT_MS, otherwise: 10_000 })
        fields.end()
        await inTime(broker.waitForGroup(id!, milestone, { members, timeoutMs }))
        return DONE
      },
    },
  ]
}

function timeRoutes(broker: TestBroker): readonly Route[] {
  const now = () => ({ status: 200, body: { nowMs: broker.clock.nowMs(), aheadMs: broker.clock.aheadMs } })
  const runs: readonly [what: string, summary: string, run: () => Promise<void>][] = [
    ['retention', 'removes what retention allows to go', () => broker.runRetention()],
    ['compaction', 'compacts every topic that asks for it', () => broker.runCompaction()],
    ['offset-expiration', 'drops committed offsets that are too old', () => broker.runOffsetExpiration()],
  ]
  return [
    { method: 'GET', path: '/clock', summary: "the broker's time, and how far ahead it is", handle: now },
    {
      method: 'POST',
      path: '/clock/advance',
      summary: 'moves the broker\'s time forward: {"ms": 60000}',
      handle: async (_context, _params, body) => {
        const fields = new JsonFields(body)
        const ms = fields.integer('ms', { min: 0, max: 10 * 366 * 86_400_000 })
        fields.end()
        await broker.advance(ms)
        return now()
      },
    },
    ...runs.map(
      ([what, summary, run]): Route => ({
        method: 'POST',
        path: `/run/${what}`,
        summary: `${summary}, now`,
        handle: async () => {
          await run()
          return DONE
        },
      }),
    ),
  ]
}

function brokerRoutes(broker: TestBroker): readonly Route[] {
  const list = () => ({ status: 200, body: { bootstrapServers: broker.bootstrapServers, brokers: broker.brokers } })
  const actions: readonly [what: string, summary: string, act: (id: number) => Promise<void> | void][] = [
    ['kill', 'ends a broker without a word', (id) => broker.killBroker(id)],
    ['start', 'a killed broker comes back', (id) => broker.startBroker(id)],
    ['pause', 'a broker neither reads nor answers', (id) => broker.pauseBroker(id)],
    ['resume', 'a paused broker goes on', (id) => broker.resumeBroker(id)],
  ]
  return [
    { method: 'GET', path: '/brokers', summary: 'the brokers, and where clients find them', handle: list },
    ...actions.map(
      ([what, summary, act]): Route => ({
        method: 'POST',
        path: `/brokers/{id}/${what}`,
        summary,
        handle: async (_context, { id }) => {
          await asked((async () => act(/^\d+$/.test(id!) ? Number(id) : Number.NaN))())
          return list()
        },
      }),
    ),
    {
      method: 'POST',
      path: '/topics/{name}/partitions/{partition}/leader',
      summary: 'hands a partition to another in-sync replica: {"broker": 2}',
      handle: async (_context, { name, partition }, body) => {
        const fields = new JsonFields(body)
        const to = fields.integer('broker', { min: 0, max: 2 ** 31 - 1 })
        fields.end()
        await asked(broker.moveLeader(name!, Number(partition), to))
        return DONE
      },
    },
  ]
}

function existing(broker: TestBroker, name: string) {
  if (!broker.topicNames.includes(name)) throw new RouteError(404, `there is no topic ${name}`)
  return broker.topic(name)
}

function topicOf(value: unknown): string | TopicSpec {
  if (typeof value === 'string') return value
  const fields = new JsonFields(value)
  const name = fields.text('name')
  const partitions = fields.integer('partitions', { min: 1, max: 10_000, otherwise: 1 })
  const replicationFactor = fields.integer('replicationFactor', { min: -1, max: 100, otherwise: -1 })
  const config = fields.texts('config')
  fields.end()
  return { name, partitions, replicationFactor, config }
}

/** Bytes that are no UTF-8 stand in base64 under another name. */
function describeMessage({ partition, offset, timestampMs, key, value, headers }: Message): object {
  return {
    ...{ partition, offset, timestampMs, ...shown('key', key), ...shown('value', value) },
    headers: headers.map((header) => ({ key: header.key, ...shown('value', header.value) })),
  }
}

function shown(name: string, bytes: Buffer | null): object {
  if (bytes === null) return { [name]: null }
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? { [name]: text } : { [`${name}Base64`]: bytes.toString('base64') }
}

/** What was asked for does not fit what is there. */
async function asked<T>(result: Promise<T> | T): Promise<T> {
  try {
    return await result
  } catch (error) {
    throw new RouteError(409, error instanceof Error ? error.message : String(error))
  }
}

/** It is not there in time. */
async function inTime<T>(result: Promise<T>): Promise<T> {
  try {
    return await result
  } catch (error) {
    throw new RouteError(408, error instanceof Error ? error.message : String(error))
  }
}
