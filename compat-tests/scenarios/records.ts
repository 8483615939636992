import assert from 'node:assert/strict'
import type { CompatClient, OutgoingRecord, ProduceRequest, ReceivedRecord, TopicPartition } from '../client.ts'
import { ClientError } from '../client.ts'
import { has, type ScenarioContext, settled } from '../scenario.ts'

export function encoded(text: string): string {
  return Buffer.from(text).toString('base64')
}

export function decoded(base64: string | null): string | null {
  return base64 === null ? null : Buffer.from(base64, 'base64').toString()
}

/** A record for partition 0 with a text value; everything else by need. */
export function record(value: string | null, fields: Partial<OutgoingRecord> = {}): OutgoingRecord {
  const encodedValue = value === null ? null : encoded(value)
  return { partition: 0, key: null, value: encodedValue, headers: [], timestamp: null, ...fields }
}

export function numbered(
  prefix: string,
  from: number,
  until: number,
  fields: Partial<OutgoingRecord> = {},
): OutgoingRecord[] {
  return Array.from({ length: until - from }, (_, index) => record(`${prefix}${from + index}`, fields))
}

/** Bytes that are half noise and half runs, so that every codec has something to do; the same for the same seed. */
export function payload(sizeBytes: number, seed: number): string {
  const bytes = Buffer.alloc(sizeBytes)
  let state = seed >>> 0
  for (let at = 0; at < sizeBytes; at++) {
    if ((at >> 9) % 2 === 0) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      bytes[at] = state >>> 24
    } else bytes[at] = seed & 0xff
  }
  return bytes.toString('base64')
}

/**
 * Sends with acks=all, and idempotently where the client can: against a broker that learns of a topic a moment later a
 * plain producer may have to send again, and then rightly writes twice or out of order.
 */
export function produce(
  client: CompatClient,
  topic: string,
  records: OutgoingRecord[],
  options: Partial<ProduceRequest> = {},
) {
  const request: ProduceRequest = {
    topic,
    records,
    acks: -1,
    codec: 'none',
    idempotent: has(client, 'idempotent'),
    autoCreate: false,
    timeoutMs: 30_000,
    ...options,
  }
  return client.call('produce', request, request.timeoutMs + 30_000)
}

/** Creates a topic with a unique name and waits until it can be used. */
export async function newTopic(
  context: ScenarioContext,
  prefix: string,
  partitions = 1,
  configs: Record<string, string> = {},
  replicationFactor = 1,
): Promise<string> {
  const name = context.unique(prefix)
  await context.client.call('createTopic', { name, partitions, replicationFactor, configs, validateOnly: false })
  await visible(context, name, partitions)
  return name
}

/** Waits until a topic is described with that many partitions, each with a leader. */
export async function visible(
  context: ScenarioContext,
  name: string,
  partitions: number,
  client: CompatClient = context.client,
): Promise<void> {
  await settled(context, `topic ${name} has ${partitions} partitions with leaders`, async () => {
    const found = await client.call('describeTopic', { topic: name }).catch(unknownAsUndefined)
    const led = found?.partitions.filter(({ leader }) => leader >= 0)
    return led?.length === partitions ? true : undefined
  })
}

/** Waits until nobody is told of the topic any more. */
export async function gone(context: ScenarioContext, topic: string): Promise<void> {
  await settled(context, `topic ${topic} is gone`, async () => {
    const found = await context.client.call('describeTopic', { topic }).catch(unknownAsUndefined)
    return found === undefined ? true : undefined
  })
}

/** Error 3 (UNKNOWN_TOPIC_OR_PARTITION) and 5 (LEADER_NOT_AVAILABLE) mean "not there yet" while a topic comes up. */
export function unknownAsUndefined(error: unknown): undefined {
  if (error instanceof ClientError && (error.code === 3 || error.code === 5)) return undefined
  throw error
}

export async function endOffset(client: CompatClient, topic: string, partition: number): Promise<number> {
  return (await client.call('listOffsets', { topic, partition, spec: 'latest' })).offset
}

export async function startOffset(client: CompatClient, topic: string, partition: number): Promise<number> {
  return (await client.call('listOffsets', { topic, partition, spec: 'earliest' })).offset
}

/** Everything in the partitions, in the order of offsets per partition. */
export async function readAll(
  client: CompatClient,
  topic: string,
  partitions: readonly number[] = [0],
): Promise<ReceivedRecord[]> {
  const ranges = []
  for (const partition of partitions) {
    const from = await startOffset(client, topic, partition)
    const until = await endOffset(client, topic, partition)
    if (until > from) ranges.push({ partition, from, until })
  }
  if (ranges.length === 0) return []
  return readRanges(client, topic, ranges)
}

export async function readRanges(
  client: CompatClient,
  topic: string,
  partitions: { partition: number; from: number; until: number }[],
): Promise<ReceivedRecord[]> {
  const request = { topic, partitions, isolation: 'read_uncommitted' as const, timeoutMs: 40_000 }
  const { records } = await client.call('read', request, 70_000)
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}

/** Asserts that what came back is what was sent, field by field; sent in the order of its offsets in the partition. */
export function assertSame(
  received: readonly ReceivedRecord[],
  sent: readonly OutgoingRecord[],
  firstOffset = 0,
): void {
  assert.equal(received.length, sent.length, 'number of records')
  for (const [index, expected] of sent.entries()) {
    const actual = received[index]
    assert.ok(actual !== undefined)
    assert.equal(actual.offset, firstOffset + index, `offset of record ${index}`)
    assert.ok(actual.key === expected.key, `key of record ${index}`)
    // Not assert.equal: its message would show a megabyte.
    assert.ok(
      actual.value === expected.value,
      `value of record ${index} (${expected.value?.length ?? 'null'} base64 characters)`,
    )
    assert.deepEqual(actual.headers, expected.headers, `headers of record ${index}`)
    if (expected.timestamp !== null) assert.equal(actual.timestamp, expected.timestamp, `timestamp of record ${index}`)
  }
}

export function allPartitions(topic: string, count: number): TopicPartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
}
