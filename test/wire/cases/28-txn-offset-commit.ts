import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { AddOffsetsToTxn } from '../../../protocol/messages/25-add-offsets-to-txn.ts'
import { WriteTxnMarkers } from '../../../protocol/messages/27-write-txn-markers.ts'
import { TxnOffsetCommit } from '../../../protocol/messages/28-txn-offset-commit.ts'
import { DeleteGroups } from '../../../protocol/messages/42-delete-groups.ts'
import { stableMember } from '../group-member.ts'
import { describeTransaction, TransactionalProducer, transactionalId } from '../transactional-producer.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic, WireTest } from '../wire-test.ts'

interface Committing {
  readonly offset?: number
  readonly partition?: number
  readonly metadata?: string
  readonly generationId?: number
  readonly memberId?: string
  readonly groupInstanceId?: string | null
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly transactionalId?: string
}

const UNSTABLE = 88
const CONCURRENT_TRANSACTIONS = 51
/** What Kafka answers while the markers of the transaction before are being written. */
const LOADING = 14

async function commit(
  producer: TransactionalProducer,
  version: number,
  groupId: string,
  topic: Pick<TestTopic, 'name'>,
  committing: Committing = {},
): Promise<number> {
  const { offset = 5, partition = 0, metadata = '', ...rest } = committing
  const { topics } = await producer.test.call(TxnOffsetCommit, version, {
    transactionalId: producer.id,
    ...producer.identity,
    groupId,
    ...rest,
    topics: [
      {
        name: topic.name,
        partitions: [{ partitionIndex: partition, committedOffset: offset, committedMetadata: metadata }],
      },
    ],
  })
  producer.test.same(topics.length, 1, 'topics')
  return topics[0]!.partitions[0]!.errorCode
}

async function committed(test: WireTest, groupId: string, { name }: TestTopic, requireStable = false, index = 0) {
  const { topics } = await test.call(OffsetFetch, 7, {
    groupId,
    topics: [{ name, partitionIndexes: [index] }],
    requireStable,
  })
  const { committedOffset, errorCode } = topics[0]!.partitions[0]!
  return errorCode === 0 ? committedOffset : `error ${errorCode}`
}

/** The offsets' partition is in the transaction, as a producer of the first generation sees to. */
async function addOffsets(producer: TransactionalProducer, groupId: string): Promise<void> {
  await producer.test.eventually('the offsets to be added', async () => {
    const request = { transactionalId: producer.id, ...producer.identity, groupId }
    const { errorCode } = await producer.test.call(AddOffsetsToTxn, 3, request)
    if (errorCode !== 0 && errorCode !== CONCURRENT_TRANSACTIONS) throw new Error(`refused with ${errorCode}`)
    return errorCode === 0
  })
}

async function committing(test: WireTest, version: number) {
  const [groupId, topic] = [await test.group(), await test.topic({ partitions: 2 })]
  const producer = await TransactionalProducer.start(test, version < 5 ? 1 : 2)
  if (version < 5) await addOffsets(producer, groupId)
  return { groupId, topic, producer }
}

async function commitPlainly(test: WireTest, groupId: string, { name }: TestTopic, offset: number): Promise<void> {
  const partition = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: '' }
  const request = { groupId, memberId: '', topics: [{ name, partitions: [partition] }] }
  const { topics } = await test.call(OffsetCommit, 8, request)
  test.same(topics[0]!.partitions[0]!.errorCode, 0, 'plain commit')
}

export const txnOffsetCommitCases = wireCases('TxnOffsetCommit', (wireCase) => {
  for (const version of versionsOf(TxnOffsetCommit)) {
    wireCase(`trap 70: v${version}: an offset counts once its transaction is committed`, async (test) => {
      const { groupId, topic, producer } = await committing(test, version)
      await commitPlainly(test, groupId, topic, 1)
      test.same(await commit(producer, version, groupId, topic), 0, 'error')
      test.same(await committed(test, groupId, topic), 1, 'offset meanwhile')
      test.same(await committed(test, groupId, topic, true), `error ${UNSTABLE}`, 'stable offset meanwhile')
      test.same(await committed(test, groupId, topic, true, 1), -1, 'stable offset of another partition')
      await producer.finish(true)
      test.same(await committed(test, groupId, topic, true), 5, 'offset')
    })

    wireCase(`v${version}: an offset of an aborted transaction is as if it had never been`, async (test) => {
      const { groupId, topic, producer } = await committing(test, version)
      await commitPlainly(test, groupId, topic, 1)
      test.same(await commit(producer, version, groupId, topic), 0, 'error')
      await producer.finish(false)
      test.same(await committed(test, groupId, topic, true), 1, 'offset')
    })

    wireCase(`v${version}: a group that has nothing else`, async (test) => {
      const { groupId, topic, producer } = await committing(test, version)
      test.same(await commit(producer, version, groupId, topic), 0, 'error')
      test.same(await committed(test, groupId, topic), -1, 'offset meanwhile')
      test.same(await committed(test, groupId, topic, true), `error ${UNSTABLE}`, 'stable offset meanwhile')
      await producer.finish(true)
      test.same(await committed(test, groupId, topic), 5, 'offset')
    })

    wireCase(`v${version} of a topic or partition that does not exist, or with too much metadata`, async (test) => {
      const { groupId, topic, producer } = await committing(test, version)
      test.same(await commit(producer, version, groupId, { name: test.unique('nowhere') }), 3, 'topic')
      test.same(await commit(producer, version, groupId, topic, { partition: 9 }), 3, 'partition')
      test.same(await commit(producer, version, groupId, topic, { metadata: 'x'.repeat(4097) }), 12, 'metadata')
      test.same(await commit(producer, version, groupId, topic), 0, 'neither')
    })

    wireCase(`v${version} with ids and epochs that are not so`, async (test) => {
      const { groupId, topic, producer } = await committing(test, version)
      const { producerId } = producer
      const errorOf = (change: Committing) => commit(producer, version, groupId, topic, change)
      test.same(await errorOf({ producerId: producerId + 1_000_000 }), 49, 'another producer id')
      test.same(await errorOf({ transactionalId: await transactionalId(test) }), 49, 'unknown transactional id')
      test.same(await errorOf({ producerEpoch: producer.producerEpoch + 1 }), 47, 'an epoch that never was')
      await producer.twin().begin()
      test.same(await errorOf({}), 47, 'an epoch from before')
    })
  }

  for (const version of versionsOf(TxnOffsetCommit, 0, 4)) {
    wireCase(`v${version} without AddOffsetsToTxn is no part of the transaction`, async (test) => {
      const [groupId, topic] = [await test.group(), await test.topic()]
      const producer = await TransactionalProducer.start(test, 1)
      const notAdded = version < 4 ? 48 : 120
      test.same(await commit(producer, version, groupId, topic), notAdded, 'error')
      await producer.add(topic)
      test.same(await commit(producer, version, groupId, topic), notAdded, 'error in a transaction')
    })
  }

  for (const version of versionsOf(TxnOffsetCommit, 3)) {
    wireCase(`v${version}: generation, member and instance have to be those of the group`, async (test) => {
      const { groupId, topic, producer } = await committing(test, version)
      const { memberId, generation } = await stableMember(test, groupId)
      const errorOf = (change: Committing) => commit(producer, version, groupId, topic, change)
      test.same(await errorOf({ memberId, generationId: generation + 1 }), 22, 'generation')
      test.same(await errorOf({ memberId, generationId: generation - 1 }), 22, 'older generation')
      test.same(await errorOf({ memberId: 'nobody', generationId: generation }), 25, 'member')
      test.same(await errorOf({ memberId, generationId: generation, groupInstanceId: 'i' }), 25, 'instance')
      test.same(await errorOf({ memberId, generationId: generation }), 0, 'as it is')
      test.same(await errorOf({}), 0, 'nothing said')
    })

    wireCase(`v${version}: a generation of a group that is not there`, async (test) => {
      const { groupId, topic, producer } = await committing(test, version)
      test.same(await commit(producer, version, groupId, topic, { memberId: 'm', generationId: 3 }), 22, 'error')
    })

    wireCase(`v${version}: a static member that was replaced is fenced`, async (test) => {
      const { groupId, topic, producer } = await committing(test, version)
      const { memberId, generation } = await stableMember(test, groupId, { instanceId: 'i' })
      const own = { memberId, generationId: generation, groupInstanceId: 'i' }
      test.same(await commit(producer, version, groupId, topic, own), 0, 'its own')
      test.same(await commit(producer, version, groupId, topic, { ...own, memberId: 'other' }), 82, 'other member')
    })
  }

  wireCase("v5: the offsets' partition joins the transaction by itself", async (test) => {
    const { groupId, topic, producer } = await committing(test, 5)
    test.same(await commit(producer, 5, groupId, topic), 0, 'error')
    const { transactionState, topics } = await describeTransaction(test, producer.id)
    test.same([transactionState, topics.map((one) => one.topic)], ['Ongoing', ['__consumer_offsets']], 'transaction')
  })

  wireCase("a plain commit in between counts more than the transaction's", async (test) => {
    const { groupId, topic, producer } = await committing(test, 5)
    test.same(await commit(producer, 5, groupId, topic, { offset: 7 }), 0, 'error')
    await commitPlainly(test, groupId, topic, 3)
    test.same(await committed(test, groupId, topic), 3, 'offset meanwhile')
    await producer.finish(true)
    test.same(await committed(test, groupId, topic), 3, 'offset')
  })

  for (const decision of [true, false]) {
    wireCase(`WriteTxnMarkers decides what an open transaction has committed (${decision})`, async (test) => {
      const { groupId, topic, producer } = await committing(test, 4)
      test.same(await commit(producer, 4, groupId, topic), 0, 'error')
      const [offsets] = (await describeTransaction(test, producer.id)).topics
      const marker = { ...producer.identity, transactionResult: decision, coordinatorEpoch: 0, transactionVersion: 0 }
      const topics = [{ name: '__consumer_offsets', partitionIndexes: [...offsets!.partitions] }]
      const { markers } = await test.call(WriteTxnMarkers, 1, { markers: [{ ...marker, topics }] })
      test.same(markers[0]!.topics[0]!.partitions[0]!.errorCode, 0, 'marker')
      test.same(await committed(test, groupId, topic, true), decision ? 5 : -1, 'offset')
    })
  }

  wireCase('the later of two commits of one transaction counts', async (test) => {
    const { groupId, topic, producer } = await committing(test, 5)
    for (const offset of [9, 4]) test.same(await commit(producer, 5, groupId, topic, { offset }), 0, 'error')
    await producer.finish(true)
    test.same(await committed(test, groupId, topic), 4, 'offset')
  })

  for (const first of ['earlier', 'later']) {
    wireCase(`of two producers on one partition, the ${first} commit ends first`, async (test) => {
      const { groupId, topic, producer: one } = await committing(test, 5)
      const two = await TransactionalProducer.start(test)
      test.same(await commit(one, 5, groupId, topic, { offset: 10 }), 0, 'error')
      test.same(await commit(two, 5, groupId, topic, { offset: 20 }), 0, 'error')
      const [a, b] = first === 'earlier' ? [one, two] : [two, one]
      await a.finish(true)
      test.same(await committed(test, groupId, topic, true), `error ${UNSTABLE}`, 'while one is open')
      await b.finish(true)
      test.same(await committed(test, groupId, topic, true), 20, 'offset')
    })
  }

  wireCase('the next transaction of the same producer commits further offsets', async (test) => {
    const { groupId, topic, producer } = await committing(test, 5)
    for (const offset of [1, 2, 3]) {
      await test.eventually('the commit', async () => {
        const error = await commit(producer, 5, groupId, topic, { offset })
        if (error !== 0 && error !== CONCURRENT_TRANSACTIONS && error !== LOADING) throw new Error(`refused: ${error}`)
        return error === 0
      })
      await producer.finish(offset !== 2)
    }
    test.same(await committed(test, groupId, topic, true), 3, 'offset')
  })

  wireCase('a group that is deleted while offsets are pending has none afterwards', async (test) => {
    const { groupId, topic, producer } = await committing(test, 5)
    await commitPlainly(test, groupId, topic, 1)
    test.same(await commit(producer, 5, groupId, topic), 0, 'error')
    const { results } = await test.call(DeleteGroups, 2, { groupsNames: [groupId] })
    test.same(results[0]!.errorCode, 0, 'deletion')
    await producer.finish(true)
    test.same(await committed(test, groupId, topic), -1, 'offset')
  })

  for (const version of [0, 5]) {
    wireCase(`v${version} with an empty group or transactional id`, async (test) => {
      const { groupId, topic, producer } = await committing(test, version)
      test.same(await commit(producer, version, groupId, topic, { transactionalId: '' }), 42, 'transactional id')
      test.same(await commit(producer, version, '', topic), 24, 'group')
    })
  }
})
