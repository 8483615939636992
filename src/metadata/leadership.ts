import type { MetadataRecord } from './metadata.ts'
import type { MetadataImage, PartitionImage, TopicImage } from './metadata-image.ts'
import { partitionChangeRecord, partitionRecord } from './metadata-record.ts'

/**
 * Who leads what, decided as KRaft's controller does. All brokers of this cluster read and write the same logs, so a
 * replica that comes back is in sync at once.
 */

const NO_LEADER = -1
/** KRaft's reserved directory id for a replica whose place is not recorded. */
export const UNASSIGNED_DIRECTORY = 'AAAAAAAAAAAAAAAAAAAAAA'

/** A broker is gone: its partitions go to the next in-sync replica that is alive, or stay without a leader. */
export function withdrawBroker(image: MetadataImage, id: number, liveIds: readonly number[]): MetadataRecord[] {
  return changes(image, ({ leader, isr, replicas }) => {
    if (!isr.includes(id)) return null
    // The last in-sync replica stays in the list: only it may lead again.
    const others = isr.filter((other) => other !== id)
    const left = others.length > 0 ? others : isr
    const next =
      leader === id ? (replicas.find((one) => others.includes(one) && liveIds.includes(one)) ?? NO_LEADER) : null
    return { ...(next !== null && { leader: next }), ...(left !== isr && { isr: left }) }
  })
}

/**
 * A broker is back: it leads what waited for it, the last that was in sync, and the living replicas follow at once. What
 * waits for another stays without a leader, and nobody joins a list without a leader.
 */
export function admitBroker(image: MetadataImage, id: number, liveIds: readonly number[]): MetadataRecord[] {
  return changes(image, ({ leader, isr, replicas }) => {
    if (!replicas.includes(id)) return null
    const leads = leader === NO_LEADER && isr.includes(id)
    if (leader === NO_LEADER && !leads) return null
    const joining = leads ? liveIds : [id]
    const next = replicas.filter((one) => isr.includes(one) || joining.includes(one))
    return { ...(leads && { leader: id }), ...(next.length > isr.length && { isr: next }) }
  })
}

/**
 * A new leadership for everything at a start: the first replica that is here leads, in an epoch above the stored one and
 * at least `leastEpoch`.
 */
export function beginLeadership(image: MetadataImage, ids: readonly number[], leastEpoch = 0): MetadataRecord[] {
  const begun = changes(image, ({ isr, replicas, leaderEpoch }) => {
    if (leaderEpoch + 1 < leastEpoch) return null
    const here = replicasHere(replicas, ids)
    return {
      leader: here[0]!,
      ...(here.length !== replicas.length && { replicas: here }),
      ...(here.length !== isr.length && { isr: here }),
    }
  })
  return leastEpoch === 0 ? begun : [...begun, ...raiseEpochs(image, ids, leastEpoch)]
}

/** Clients may remember a later epoch than the stored one; an older one they would not believe. */
function raiseEpochs(image: MetadataImage, ids: readonly number[], leastEpoch: number): MetadataRecord[] {
  return [...image.topics.values()].flatMap((topic) =>
    topic.partitions.flatMap(({ index, replicas, leaderEpoch, partitionEpoch }) => {
      if (leaderEpoch + 1 >= leastEpoch) return []
      const here = replicasHere(replicas, ids)
      return partitionRecord({
        ...{ partitionId: index, topicId: topic.id, replicas: here, isr: here, leader: here[0]! },
        ...{ removingReplicas: [], addingReplicas: [], leaderEpoch: leastEpoch, partitionEpoch: partitionEpoch + 1 },
        directories: here.map(() => UNASSIGNED_DIRECTORY),
      })
    }),
  )
}

/** Started with fewer brokers than before, or others: the logs are here all the same. */
function replicasHere(replicas: readonly number[], ids: readonly number[]): readonly number[] {
  const here = replicas.filter((id) => ids.includes(id))
  return here.length > 0 ? here : ids.slice(0, 1)
}

/** One partition goes to another of its in-sync replicas. */
export function moveLeader(topic: TopicImage, partition: number, to: number): MetadataRecord {
  return partitionChangeRecord({ topicId: topic.id, partitionId: partition, leader: to })
}

type Change = { leader?: number; isr?: readonly number[]; replicas?: readonly number[] }

function changes(image: MetadataImage, decide: (partition: PartitionImage) => Change | null): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      const change = decide(partition)
      if (change === null || Object.keys(change).length === 0) continue
      records.push(partitionChangeRecord({ topicId: topic.id, partitionId: partition.index, ...change }))
    }
  }
  return records
}
