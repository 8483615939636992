import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { defaultBrokerConfig } from '../../src/config/broker-config.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { allocateProducerIds } from '../../src/metadata/allocate-producer-ids.ts'
import { createPartitions } from '../../src/metadata/create-partitions.ts'
import { createTopics, type NewTopic } from '../../src/metadata/create-topics.ts'
import { deleteTopics } from '../../src/metadata/delete-topics.ts'
import { applyRecords, emptyImage } from '../../src/metadata/image-builder.ts'
import { internalTopic } from '../../src/metadata/internal-topics.ts'
import type { Decision } from '../../src/metadata/metadata.ts'
import { ConfigResource, type MetadataImage } from '../../src/metadata/metadata-image.ts'
import { newTopicId } from '../../src/metadata/topic-id.ts'
import { topicNameProblem } from '../../src/metadata/topic-name.ts'
import { newTopic, topicDefaults, ZERO_ID } from './metadata-fixture.ts'

const {
  INVALID_CONFIG,
  INVALID_PARTITIONS,
  INVALID_REPLICATION_FACTOR,
  INVALID_REPLICA_ASSIGNMENT,
  INVALID_REQUEST,
  INVALID_TOPIC_EXCEPTION,
  NONE,
  POLICY_VIOLATION,
  TOPIC_ALREADY_EXISTS,
  UNKNOWN_TOPIC_ID,
  UNKNOWN_TOPIC_OR_PARTITION,
} = ErrorCode

function imageAfter<T>(image: MetadataImage, decision: Decision<T>): MetadataImage {
  return applyRecords(image, decision.records, image.offset + decision.records.length)
}

const empty = emptyImage('a-cluster')
const withTopics = imageAfter(
  empty,
  createTopics(empty, [newTopic('a'), newTopic('b', { numPartitions: 3 })], topicDefaults(), false),
)
const assignment = (...replicas: number[][]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
})
const configs = (entries: Record<string, string | null>) => ({
  configs: Object.entries(entries).map(([name, value]) => ({ name, value })),
})

describe('creating topics', () => {
  it.each<[string, string, Partial<NewTopic>, number, string]>([
    ['that exist', 'a', {}, TOPIC_ALREADY_EXISTS, "Topic 'a' already exists."],
    [
      'with no partitions',
      'n',
      { numPartitions: 0 },
      INVALID_PARTITIONS,
      'Number of partitions was set to an invalid non-positive value.',
    ],
    [
      'with -2 partitions',
      'n',
      { numPartitions: -2 },
      INVALID_PARTITIONS,
      'Number of partitions was set to an invalid non-positive value.',
    ],
    [
      'with too many partitions',
      'n',
      { numPartitions: 10_001 },
      POLICY_VIOLATION,
      'Excessively large number of partitions per request.',
    ],
    [
      'without replicas',
      'n',
      { replicationFactor: 0 },
      INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    ],
    [
      'with -2 replicas',
      'n',
      { replicationFactor: -2 },
      INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    ],
    [
      'with more replicas than brokers',
      'n',
      { replicationFactor: 3 },
      INVALID_REPLICATION_FACTOR,
      'Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 1 broker(s) are registered.',
    ],
    [
      'named with a blank',
      'a b',
      {},
      INVALID_TOPIC_EXCEPTION,
      "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ],
    ['with an unknown setting', 'n', configs({ nope: '1' }), INVALID_CONFIG, 'Unknown topic config name: nope'],
    [
      'with a name of Object.prototype as a setting',
      'n',
      configs({ constructor: '1' }),
      INVALID_CONFIG,
      'Unknown topic config name: constructor',
    ],
    [
      'with an unknown setting behind a bad value',
      'n',
      configs({ 'retention.ms': 'abc', nope: '1' }),
      INVALID_CONFIG,
      'Unknown topic config name: nope',
    ],
    [
      'with a bad value',
      'n',
      configs({ 'retention.ms': 'abc' }),
      INVALID_CONFIG,
      'Invalid value abc for configuration retention.ms: Not a number of type LONG',
    ],
    [
      'with settings that conflict',
      'n',
      configs({ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' }),
      INVALID_CONFIG,
      'conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)',
    ],
    [
      'in remote storage',
      'n',
      configs({ 'remote.storage.enable': 'true' }),
      INVALID_CONFIG,
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    ],
    [
      'with null values',
      'n',
      configs({ 'retention.ms': null, 'segment.ms': null }),
      INVALID_CONFIG,
      'Null value not supported for topic configs: retention.ms,segment.ms',
    ],
    [
      'assigned and numbered',
      'n',
      { ...assignment([1]), numPartitions: 1 },
      INVALID_REQUEST,
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    ],
    [
      'assigned and replicated',
      'n',
      { ...assignment([1]), replicationFactor: 1 },
      INVALID_REQUEST,
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    ],
    [
      'assigned from 1 on',
      'n',
      { ...assignment(), assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      INVALID_REPLICA_ASSIGNMENT,
      'partitions should be a consecutive 0-based integer sequence',
    ],
    [
      'assigned below 0',
      'n',
      { ...assignment(), assignments: [{ partitionIndex: -1, brokerIds: [1] }] },
      INVALID_REPLICA_ASSIGNMENT,
      'partitions should be a consecutive 0-based integer sequence',
    ],
    [
      'assigned with a gap',
      'n',
      {
        ...assignment(),
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 2, brokerIds: [1] },
        ],
      },
      INVALID_REPLICA_ASSIGNMENT,
      'partitions should be a consecutive 0-based integer sequence',
    ],
    [
      'assigned twice',
      'n',
      {
        ...assignment(),
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 0, brokerIds: [1] },
        ],
      },
      INVALID_REPLICA_ASSIGNMENT,
      'Found multiple manual partition assignments for partition 0',
    ],
    [
      'assigned to nobody',
      'n',
      assignment([]),
      INVALID_REPLICA_ASSIGNMENT,
      'The manual partition assignment includes an empty replica list.',
    ],
    [
      'assigned to one broker twice',
      'n',
      assignment([1, 1]),
      INVALID_REPLICA_ASSIGNMENT,
      'The manual partition assignment includes the broker 1 more than once.',
    ],
    [
      'assigned to a stranger',
      'n',
      assignment([7]),
      INVALID_REPLICA_ASSIGNMENT,
      'The manual partition assignment includes broker 7, but no such broker is registered.',
    ],
  ])('refuses topics %s', (_, name, topic, error, message) => {
    const { records, result } = createTopics(withTopics, [newTopic(name, topic)], topicDefaults(), false)
    expect(result).toEqual([
      { name, error, message, topicId: ZERO_ID, numPartitions: -1, replicationFactor: -1, configs: new Map() },
    ])
    expect(records).toEqual([])
  })

  it('trap 27: one topic that is refused does not fail the others', () => {
    const decision = createTopics(withTopics, [newTopic('a'), newTopic('c'), newTopic('?')], topicDefaults(), false)
    expect(decision.result.map(({ error }) => error)).toEqual([TOPIC_ALREADY_EXISTS, NONE, INVALID_TOPIC_EXCEPTION])
    expect([...imageAfter(withTopics, decision).topics.keys()].sort()).toEqual(['a', 'b', 'c'])
  })

  it('trap 88: refuses a topic that is asked for twice, with one entry', () => {
    const { records, result } = createTopics(
      empty,
      [newTopic('c'), newTopic('d'), newTopic('c')],
      topicDefaults(),
      false,
    )
    expect(result.map(({ name, error, message }) => [name, error, message])).toEqual([
      ['c', INVALID_REQUEST, 'Duplicate topic name.'],
      ['d', NONE, null],
    ])
    expect(records.length).toBeGreaterThan(0)
  })

  it('trap 84: validates only when it is asked to', () => {
    const { records, result } = createTopics(empty, [newTopic('c', { numPartitions: 4 })], topicDefaults(), true)
    expect(result[0]).toMatchObject({ error: NONE, numPartitions: 4, replicationFactor: 1 })
    expect(result[0]!.topicId).not.toBe(ZERO_ID)
    expect(records).toEqual([])
  })

  it('takes defaults for -1, and records partitions, leaders and settings', () => {
    const defaults = topicDefaults(1, { numPartitions: 3 })
    const wanted = newTopic('c', { numPartitions: -1, replicationFactor: -1, ...configs({ 'retention.ms': ' 5 ' }) })
    const decision = createTopics(empty, [wanted], defaults, false)
    const image = imageAfter(empty, decision)
    const topic = image.topics.get('c')!
    expect(decision.result[0]).toMatchObject({ topicId: topic.id, numPartitions: 3, replicationFactor: 1 })
    expect(topic.partitions).toEqual(
      [0, 1, 2].map((index) => ({ index, leader: 1, leaderEpoch: 0, partitionEpoch: 0, replicas: [1], isr: [1] })),
    )
    expect(image.configOf(ConfigResource.TOPIC, 'c')).toEqual(new Map([['retention.ms', ' 5 ']]))
  })

  it('spreads leaders over the brokers there are', () => {
    const defaults = topicDefaults(1, { brokerIds: [1, 2, 3] })
    const decision = createTopics(empty, [newTopic('c', { numPartitions: 4, replicationFactor: 2 })], defaults, false)
    const { partitions } = imageAfter(empty, decision).topics.get('c')!
    expect(partitions.map(({ replicas }) => replicas)).toEqual([
      [1, 2],
      [2, 3],
      [3, 1],
      [1, 2],
    ])
    expect(partitions.map(({ leader }) => leader)).toEqual([1, 2, 3, 1])
  })

  it('takes an assignment as it is', () => {
    const decision = createTopics(empty, [newTopic('c', assignment([1], [1]))], topicDefaults(), false)
    expect(decision.result[0]).toMatchObject({ error: NONE, numPartitions: 2, replicationFactor: 1 })
  })

  it('counts the partitions of a whole request', () => {
    const many = newTopic('c', { numPartitions: 9000 })
    const { result } = createTopics(empty, [many, { ...many, name: 'd' }, newTopic('e')], topicDefaults(), true)
    expect(result.map(({ error }) => error)).toEqual([NONE, POLICY_VIOLATION, POLICY_VIOLATION])
  })

  it.each([
    [
      '__consumer_offsets',
      50,
      { 'cleanup.policy': 'compact', 'segment.bytes': '104857600', 'compression.type': 'producer' },
    ],
    [
      '__transaction_state',
      50,
      { 'cleanup.policy': 'compact', 'compression.type': 'uncompressed', 'unclean.leader.election.enable': 'false' },
    ],
    ['__share_group_state', 50, { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'compression.type': 'producer' }],
  ])('makes %s as Kafka makes it', (name, partitions, settings) => {
    const decision = createTopics(empty, [internalTopic(name, defaultBrokerConfig(), 1)], topicDefaults(), false)
    expect(decision.result[0]).toMatchObject({ error: NONE, numPartitions: partitions, replicationFactor: 1 })
    const image = imageAfter(empty, decision)
    expect(image.topics.get(name)!.internal).toBe(true)
    expect(Object.fromEntries(image.configOf(ConfigResource.TOPIC, name))).toMatchObject(settings)
  })
})

describe('deleting topics', () => {
  const { id } = withTopics.topics.get('a')!

  it.each([
    ['by name', { name: 'a', topicId: ZERO_ID }],
    ['by id', { name: null, topicId: id }],
  ])('works %s, and the answer has both', (_, asked) => {
    const decision = deleteTopics(withTopics, [asked])
    expect(decision.result).toEqual([{ name: 'a', topicId: id, error: NONE, message: null }])
    expect([...imageAfter(withTopics, decision).topics.keys()]).toEqual(['b'])
  })

  it.each([
    ['an unknown name', { name: 'z', topicId: ZERO_ID }, UNKNOWN_TOPIC_OR_PARTITION],
    ['an unknown id', { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAABQ' }, UNKNOWN_TOPIC_ID],
    ['name and id at once', { name: 'a', topicId: id }, INVALID_REQUEST],
    ['neither name nor id', { name: null, topicId: ZERO_ID }, INVALID_REQUEST],
  ])('refuses %s', (_, asked, error) => {
    const { records, result } = deleteTopics(withTopics, [asked])
    expect(result).toMatchObject([{ ...asked, error }])
    expect(records).toEqual([])
  })

  it('does not delete what is named twice, by id or name', () => {
    const twice = [
      { name: 'a', topicId: ZERO_ID },
      { name: null, topicId: id },
      { name: 'b', topicId: ZERO_ID },
    ]
    const decision = deleteTopics(withTopics, twice)
    expect(decision.result.map(({ error }) => error)).toEqual([INVALID_REQUEST, NONE])
    expect([...imageAfter(withTopics, decision).topics.keys()]).toEqual(['a'])
  })

  it('trap 28: a deleted topic can be created again at once, with another id', () => {
    const gone = imageAfter(withTopics, deleteTopics(withTopics, [{ name: 'a', topicId: ZERO_ID }]))
    const decision = createTopics(gone, [newTopic('a')], topicDefaults(9), false)
    expect(decision.result[0]!.error).toBe(NONE)
    expect(imageAfter(gone, decision).topics.get('a')!.id).not.toBe(id)
  })
})

describe('creating partitions', () => {
  const ask = (name: string, count: number, assignments: number[][] | null = null) => [
    { name, count, assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null },
  ]

  it.each<[string, ReturnType<typeof ask>, number, string | null]>([
    ['an unknown topic', ask('z', 3), UNKNOWN_TOPIC_OR_PARTITION, null],
    ['as many as there are', ask('b', 3), INVALID_PARTITIONS, 'Topic already has 3 partition(s).'],
    ['fewer', ask('b', 2), INVALID_PARTITIONS, 'The topic b currently has 3 partition(s); 2 would not be an increase.'],
    ['-1', ask('b', -1), INVALID_PARTITIONS, 'The topic b currently has 3 partition(s); -1 would not be an increase.'],
    [
      'too few assignments',
      ask('b', 5, [[1]]),
      INVALID_REPLICA_ASSIGNMENT,
      'Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.',
    ],
    [
      'a stranger',
      ask('b', 4, [[7]]),
      INVALID_REPLICA_ASSIGNMENT,
      'The manual partition assignment includes broker 7, but no such broker is registered.',
    ],
    [
      'an empty assignment',
      ask('b', 4, [[]]),
      INVALID_REPLICA_ASSIGNMENT,
      'The manual partition assignment includes an empty replica list.',
    ],
    [
      'a broker twice',
      ask('b', 4, [[1, 1]]),
      INVALID_REPLICA_ASSIGNMENT,
      'The manual partition assignment includes the broker 1 more than once.',
    ],
  ])('refuses %s', (_, asked, error, message) => {
    const { records, result } = createPartitions(withTopics, asked, { brokerIds: [1] }, false)
    expect(result).toMatchObject([message === null ? { error } : { error, message }])
    expect(records).toEqual([])
  })

  it('refuses more partitions than one request may bring', () => {
    expect(createPartitions(withTopics, ask('b', 20_000), { brokerIds: [1] }, false).result[0]!.error).toBe(
      POLICY_VIOLATION,
    )
  })

  it('refuses another number of replicas than the topic has', () => {
    const { result } = createPartitions(withTopics, ask('b', 4, [[1, 2]]), { brokerIds: [1, 2] }, false)
    expect(result[0]!.error).toBe(INVALID_REPLICA_ASSIGNMENT)
  })

  it('adds partitions and leaves the others and the id alone', () => {
    const decision = createPartitions(withTopics, ask('b', 5), { brokerIds: [1] }, false)
    const before = withTopics.topics.get('b')!
    const topic = imageAfter(withTopics, decision).topics.get('b')!
    expect(topic.id).toBe(before.id)
    expect(topic.partitions.slice(0, 3)).toEqual(before.partitions)
    expect(topic.partitions).toHaveLength(5)
    expect(topic.partitions[4]).toEqual({
      index: 4,
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      replicas: [1],
      isr: [1],
    })
  })

  it('trap 84: validates only when it is asked to', () => {
    expect(createPartitions(withTopics, ask('b', 5), { brokerIds: [1] }, true)).toEqual({
      records: [],
      result: [{ name: 'b', error: NONE, message: null }],
    })
  })

  it('refuses a topic that is asked for twice', () => {
    const { result } = createPartitions(
      withTopics,
      [...ask('b', 5), ...ask('b', 6), ...ask('a', 2)],
      { brokerIds: [1] },
      false,
    )
    expect(result.map(({ name, error }) => [name, error])).toEqual([
      ['b', INVALID_REQUEST],
      ['a', NONE],
    ])
  })
})

describe('producer ids', () => {
  it('come in blocks that begin where the last ended', () => {
    const first = allocateProducerIds(empty, 1)
    const second = allocateProducerIds(imageAfter(empty, first), 1)
    expect([first.result, second.result]).toEqual([
      { firstProducerId: 0, count: 1000 },
      { firstProducerId: 1000, count: 1000 },
    ])
  })
})

describe('topic names and ids', () => {
  it.each(['a', 'A-b_c.d9', 'x'.repeat(249), '...', '__consumer_offsets'])('%s is a name', (name) => {
    expect(topicNameProblem(name)).toBeNull()
  })

  it.each(['', '.', '..', 'x'.repeat(250), 'a b', 'a/b', 'ä', 'a\n', 'a\0'])('%j is none', (name) => {
    expect(topicNameProblem(name)).toMatch(/^Topic name is invalid: /)
  })

  it('never begin with a dash and are random UUIDs of version 4', () => {
    const random = new SimulatedRandom(3)
    const ids = Array.from({ length: 2000 }, () => newTopicId(random))
    expect(new Set(ids).size).toBe(2000)
    for (const id of ids) {
      expect(id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
      expect(Buffer.from(id, 'base64url')[6]! >> 4).toBe(4)
    }
  })
})
