import { describe, expect, it } from 'vitest'
import { topicChanges } from '../../src/metadata/image.ts'
import { applyRecords, emptyImage } from '../../src/metadata/image-builder.ts'
import type { MetadataRecord } from '../../src/metadata/metadata.ts'
import { ConfigResource, type MetadataImage } from '../../src/metadata/metadata-image.ts'
import {
  configRecord,
  decodeMetadataRecord,
  encodeMetadataRecord,
  featureLevelRecord,
  partitionChangeRecord,
  partitionRecord,
  RecordType,
  removeTopicRecord,
  topicRecord,
} from '../../src/metadata/metadata-record.ts'
import { snapshotRecords } from '../../src/metadata/snapshot-records.ts'
import { imageOf, plain, ZERO_ID } from './metadata-fixture.ts'
import { RandomCommands } from './random-commands.ts'

const ID = 'b0vcfNtdSAWGhUvZT4H1Kg'
const OTHER_ID = 'czW_JKITSEGQDy0yZdmCVw'
const registration = { brokerId: 1, incarnationId: ID, brokerEpoch: 5, endPoints: [], features: [], rack: null }

function partition(topicId: string, partitionId: number) {
  return partitionRecord({
    topicId,
    partitionId,
    replicas: [1],
    isr: [1],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: [ZERO_ID],
  })
}

const oneTopic = [topicRecord({ name: 'a', topicId: ID }), partition(ID, 0), partition(ID, 1)]

/** What the log would give back. */
function reread(records: Iterable<MetadataRecord>): MetadataRecord[] {
  return [...records].map((record) => decodeMetadataRecord(encodeMetadataRecord(record)))
}

describe('metadata image', () => {
  it.each([...Array(30).keys()])('is the same live, rebuilt from its records and from a snapshot (seed %i)', (seed) => {
    const commands = new RandomCommands(seed)
    const log: MetadataRecord[] = []
    let live: MetadataImage = emptyImage('a-cluster')
    for (let step = 0; step < 60; step++) {
      const before = live
      const saidBefore = plain(before)
      const { records } = commands.next()(live)
      log.push(...records)
      live = applyRecords(live, records, log.length - 1)
      expect(plain(before)).toEqual(saidBefore)
    }
    expect(live.offset).toBe(log.length - 1)
    expect(plain(imageOf(reread(log)))).toEqual(plain(live))
    expect(plain(imageOf(reread(snapshotRecords(live, [registration]))))).toEqual(plain(live))
  })

  it('raises the leader epoch with each election and keeps it otherwise', () => {
    const image = imageOf([
      ...oneTopic,
      partitionChangeRecord({ topicId: ID, partitionId: 1, leader: 1 }),
      ...reread([partitionChangeRecord({ topicId: ID, partitionId: 1, isr: [1, 2] })]),
    ])
    const [first, second] = image.topics.get('a')!.partitions
    expect(first).toMatchObject({ leaderEpoch: 0, partitionEpoch: 0, isr: [1] })
    expect(second).toMatchObject({ leader: 1, leaderEpoch: 1, partitionEpoch: 2, isr: [1, 2] })
  })

  it('forgets the settings of a topic that is removed', () => {
    const configured = [
      ...oneTopic,
      configRecord({ resourceType: ConfigResource.TOPIC, resourceName: 'a', name: 'retention.ms', value: '5' }),
    ]
    const again = [removeTopicRecord({ topicId: ID }), topicRecord({ name: 'a', topicId: OTHER_ID })]
    expect(imageOf(configured).configOf(ConfigResource.TOPIC, 'a')).toEqual(new Map([['retention.ms', '5']]))
    const image = imageOf([...configured, ...again])
    expect(image.configOf(ConfigResource.TOPIC, 'a').size).toBe(0)
    expect(image.configuredResources(ConfigResource.TOPIC)).toEqual([])
    expect(image.topicsById.has(ID)).toBe(false)
    expect(image.topics.get('a')!.id).toBe(OTHER_ID)
  })

  it('keeps the map of settings that did not change', () => {
    const config = (name: string, value: string | null) =>
      configRecord({ resourceType: ConfigResource.TOPIC, resourceName: name, name: 'retention.ms', value })
    const image = imageOf([config('a', '1'), config('b', '1')])
    const next = applyRecords(image, [config('b', '2'), config('c', '3'), config('c', null)], 5)
    expect(next.configOf(ConfigResource.TOPIC, 'a')).toBe(image.configOf(ConfigResource.TOPIC, 'a'))
    expect(next.configOf(ConfigResource.TOPIC, 'b')).toEqual(new Map([['retention.ms', '2']]))
    expect(image.configOf(ConfigResource.TOPIC, 'b')).toEqual(new Map([['retention.ms', '1']]))
    expect(next.configuredResources(ConfigResource.TOPIC)).not.toContain('c')
  })

  it('takes a feature at level 0 as absent', () => {
    const image = imageOf([
      featureLevelRecord({ name: 'metadata.version', featureLevel: 30 }),
      featureLevelRecord({ name: 'group.version', featureLevel: 1 }),
      featureLevelRecord({ name: 'group.version', featureLevel: 0 }),
    ])
    expect([...image.features]).toEqual([['metadata.version', 30]])
  })

  it('marks the topics of the coordinators as internal', () => {
    const image = imageOf([
      topicRecord({ name: '__consumer_offsets', topicId: ID }),
      topicRecord({ name: '__mine', topicId: OTHER_ID }),
    ])
    expect(image.topics.get('__consumer_offsets')!.internal).toBe(true)
    expect(image.topics.get('__mine')!.internal).toBe(false)
  })

  it.each([
    ['a partition out of order', [...oneTopic, partition(ID, 3)]],
    ['a partition of a topic that is not there', [partition(ID, 0)]],
    [
      'a change of a partition that is not there',
      [...oneTopic, partitionChangeRecord({ topicId: ID, partitionId: 7 })],
    ],
    ['the removal of a topic that is not there', [removeTopicRecord({ topicId: ID })]],
    ['a topic that is there', [...oneTopic, topicRecord({ name: 'a', topicId: OTHER_ID })]],
    ['a record that only a newer broker understands', [{ type: 18, version: 0, value: {} }]],
  ])('refuses %s', (_, records) => {
    expect(() => imageOf(records)).toThrow()
  })

  it.each([RecordType.REGISTER_BROKER, RecordType.NO_OP, RecordType.REGISTER_CONTROLLER])(
    'passes over record type %i',
    (type) => {
      expect(plain(imageOf([{ type, version: 0, value: {} }]))).toEqual(plain(imageOf()))
    },
  )

  it('tells which topics changed between two images', () => {
    const before = imageOf([...oneTopic, topicRecord({ name: 'b', topicId: OTHER_ID })])
    const after = applyRecords(before, [removeTopicRecord({ topicId: OTHER_ID }), partition(ID, 2)], 9)
    expect(topicChanges(before, before)).toEqual({ changed: [], removed: [] })
    const { changed, removed } = topicChanges(after, before)
    expect(changed).toEqual([after.topics.get('a')])
    expect(removed).toEqual([before.topics.get('b')])
    const copies = (image: MetadataImage): MetadataImage =>
      Object.assign(Object.create(image), { topicsById: new Map(image.topicsById) })
    expect(topicChanges(copies(after), copies(before))).toEqual({ changed, removed })
  })
})

describe('metadata record', () => {
  it('is framed as Kafka frames it', () => {
    const bytes = encodeMetadataRecord(featureLevelRecord({ name: 'metadata.version', featureLevel: 30 }))
    expect(bytes.toString('hex')).toBe('010c00116d657461646174612e76657273696f6e001e00')
  })

  it.each([
    ['an unknown frame version', '020c00'],
    ['an unknown type', '014d00'],
    ['an unknown version', '010c05'],
    ['a record cut off', '010c00116d65'],
    ['nothing at all', ''],
  ])('refuses %s', (_, hex) => {
    expect(() => decodeMetadataRecord(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ name: 'ProtocolError' }),
    )
  })
})
