import { describe, expect, it } from 'vitest'
import { createTopics } from '../../src/metadata/create-topics.ts'
import { electLeaders } from '../../src/metadata/elect-leaders.ts'
import { applyRecords } from '../../src/metadata/image-builder.ts'
import { admitBroker, beginLeadership, moveLeader, withdrawBroker } from '../../src/metadata/leadership.ts'
import type { MetadataRecord } from '../../src/metadata/metadata.ts'
import type { MetadataImage } from '../../src/metadata/metadata-image.ts'
import { imageOf, newTopic, topicDefaults } from './metadata-fixture.ts'

/** Topic t with three partitions of so many replicas each on brokers 1 to 3. */
function cluster(replicationFactor: number): MetadataImage {
  const defaults = topicDefaults(1, { brokerIds: [1, 2, 3], replicationFactor })
  const topic = newTopic('t', { numPartitions: 3, replicationFactor })
  return imageOf(createTopics(imageOf(), [topic], defaults, false).records)
}

function applied(image: MetadataImage, records: readonly MetadataRecord[]): MetadataImage {
  return applyRecords(image, records, image.offset + records.length)
}

function leaders(image: MetadataImage) {
  return image.topics.get('t')!.partitions.map(({ leader }) => leader)
}

function epochs(image: MetadataImage) {
  return image.topics.get('t')!.partitions.map(({ leaderEpoch }) => leaderEpoch)
}

describe('leadership', () => {
  it('is spread when a topic is created', () => {
    expect(leaders(cluster(3))).toEqual([1, 2, 3])
  })

  it('goes to the next in-sync replica, in a new epoch, when a broker is gone', () => {
    const image = applied(cluster(3), withdrawBroker(cluster(3), 1, [2, 3]))
    expect(leaders(image)).toEqual([2, 2, 3])
    expect(epochs(image)).toEqual([1, 0, 0])
    expect(image.topics.get('t')!.partitions.map(({ isr }) => isr)).toEqual([
      [2, 3],
      [2, 3],
      [3, 2],
    ])
  })

  it('is nobody’s while the only replica is gone, and returns with it', () => {
    const gone = applied(cluster(1), withdrawBroker(cluster(1), 1, [2, 3]))
    expect(leaders(gone)).toEqual([-1, 2, 3])
    expect(gone.topics.get('t')!.partitions[0]!.isr).toEqual([1])
    const back = applied(gone, admitBroker(gone, 1, [1, 2, 3]))
    expect(leaders(back)).toEqual([1, 2, 3])
    expect(epochs(back)).toEqual([2, 0, 0])
  })

  it('stays with those who took it over when a broker comes back, until it is elected again', () => {
    const gone = applied(cluster(3), withdrawBroker(cluster(3), 1, [2, 3]))
    const back = applied(gone, admitBroker(gone, 1, [1, 2, 3]))
    expect(leaders(back)).toEqual([2, 2, 3])
    expect(back.topics.get('t')!.partitions[0]!.isr).toEqual([1, 2, 3])
    const { records, result } = electLeaders(back, 'preferred', null, [1, 2, 3])
    expect(result).toEqual([{ topic: 't', partitionResult: [{ partitionId: 0, errorCode: 0, errorMessage: null }] }])
    expect(leaders(applied(back, records))).toEqual([1, 2, 3])
  })

  it('is not elected where the preferred replica is gone, or where somebody leads', () => {
    const gone = applied(cluster(3), withdrawBroker(cluster(3), 1, [2, 3]))
    const asked = [{ topic: 't', partitions: [0, 1, 7] }]
    const codes = (type: 'preferred' | 'unclean', image: MetadataImage) =>
      electLeaders(image, type, asked, [2, 3]).result[0]!.partitionResult.map(({ errorCode }) => errorCode)
    expect(codes('preferred', gone)).toEqual([80, 84, 3])
    expect(codes('unclean', gone)).toEqual([84, 84, 3])
    const alone = applied(cluster(1), withdrawBroker(cluster(1), 1, [2, 3]))
    expect(codes('unclean', alone)).toEqual([83, 84, 3])
  })

  it('waits for the last that was in sync; whoever comes back before it follows once it leads', () => {
    let image = cluster(3)
    for (const [id, live] of [
      [1, [2, 3]],
      [2, [3]],
      [3, []],
    ] as const) {
      image = applied(image, withdrawBroker(image, id, live))
    }
    const first = image.topics.get('t')!.partitions[0]!
    expect([first.leader, first.isr]).toEqual([-1, [3]])
    image = applied(image, admitBroker(image, 1, [1]))
    expect(image.topics.get('t')!.partitions[0]).toEqual(first)
    image = applied(image, admitBroker(image, 3, [1, 3]))
    expect(image.topics.get('t')!.partitions[0]).toMatchObject({ leader: 3, isr: [1, 3] })
  })

  it('taken by an unclean election is followed by every living replica', () => {
    let image = applied(cluster(3), withdrawBroker(cluster(3), 1, [2, 3]))
    image = applied(image, withdrawBroker(image, 2, [3]))
    image = applied(image, withdrawBroker(image, 3, []))
    const { records } = electLeaders(image, 'unclean', [{ topic: 't', partitions: [0] }], [1, 2])
    image = applied(image, records)
    expect(image.topics.get('t')!.partitions[0]).toMatchObject({ leader: 1, isr: [1, 2] })
  })

  it('of a topic that is created while a broker is away is with those that are there', () => {
    const defaults = topicDefaults(1, { brokerIds: [1, 3], fencedIds: [2], replicationFactor: 3 })
    const asked = newTopic('u', { numPartitions: 2, replicationFactor: 3 })
    const image = applied(cluster(3), createTopics(cluster(3), [asked], defaults, false).records)
    expect(image.topics.get('u')!.partitions).toMatchObject([
      { leader: 1, replicas: [1, 3, 2], isr: [1, 3] },
      { leader: 3, replicas: [3, 1, 2], isr: [3, 1] },
    ])
    const tooMany = newTopic('v', { numPartitions: 1, replicationFactor: 4 })
    const [refused] = createTopics(image, [tooMany], defaults, false).result
    expect(refused!.message).toContain('only 3 broker(s) are registered')
    const onlyFenced = { ...newTopic('w', {}), numPartitions: -1, replicationFactor: -1 }
    const assignments = [{ partitionIndex: 0, brokerIds: [2] }]
    const [away] = createTopics(image, [{ ...onlyFenced, assignments }], defaults, false).result
    expect(away!.message).toContain('are fenced')
  })

  it('of a moved partition is in a new epoch', () => {
    const image = cluster(3)
    const moved = applied(image, [moveLeader(image.topics.get('t')!, 0, 3)])
    expect([leaders(moved), epochs(moved)]).toEqual([
      [3, 2, 3],
      [1, 0, 0],
    ])
  })

  it('begins anew at a start, also with fewer brokers than before', () => {
    const image = applied(cluster(3), beginLeadership(cluster(3), [2]))
    expect(image.topics.get('t')!.partitions).toMatchObject(
      [1, 2, 3].map(() => ({ leader: 2, replicas: [2], isr: [2] })),
    )
    expect(epochs(image)).toEqual([1, 1, 1])
  })

  it('begins above an epoch that clients have seen', () => {
    const image = cluster(1)
    expect(epochs(applied(image, beginLeadership(image, [1, 2, 3], 40)))).toEqual([40, 40, 40])
    expect(leaders(applied(image, beginLeadership(image, [1, 2, 3], 40)))).toEqual([1, 2, 3])
  })
})
