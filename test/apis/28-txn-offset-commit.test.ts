import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { txnOffsetCommit } from '../../src/apis/28-txn-offset-commit.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { apiFixture } from '../coordinator/api-fixture.ts'

const { NONE, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE } = ErrorCode
const COMMITTED = { partitionIndex: 0, committedOffset: 5, committedMetadata: '' }

/** The answer to offsets while whose transaction is asked about so many markers are written. */
async function commitDuring(markers: number, version: number) {
  const fixture = await apiFixture()
  let ended = 3
  let committed = 0
  const answer = async () => {
    ended += markers
    return { error: NONE, added: [true] }
  }
  const coordinator = { shardOf: () => 0, verifyPartitions: answer, addPartitions: answer }
  fixture.parts = {
    transactions: coordinator,
    peers: { transactions: () => coordinator },
    membership: { coordinatorFor: () => 1 },
    clock: fixture.clock,
    config: { 'add.partitions.to.txn.retry.backoff.ms': 20, 'add.partitions.to.txn.retry.backoff.max.ms': 100 },
    groups: {
      shardOf: () => 0,
      endedTransactions: () => ended,
      commitOffsetsInTransaction: async () => ({ errors: [++committed, NONE].slice(1) }),
    },
  } as unknown as Partial<Broker>
  const producer = { transactionalId: 'id', groupId: 'g', producerId: 7, producerEpoch: 0 }
  const { topics } = await fixture.send(txnOffsetCommit, version, {
    ...producer,
    topics: [{ name: 't', partitions: [COMMITTED] }],
  })
  return { error: topics[0]!.partitions[0]!.errorCode, committed }
}

describe('offsets whose transaction is ended while they are on their way', () => {
  it.each([
    { version: 1, error: COORDINATOR_NOT_AVAILABLE },
    { version: 4, error: COORDINATOR_LOAD_IN_PROGRESS },
  ])('v$version: they do not come behind the marker, and are to be sent again', async ({ version, error }) => {
    expect(await commitDuring(1, version)).toEqual({ error, committed: 0 })
  })

  it('v5: the log itself refuses an epoch from before the marker', async () => {
    expect(await commitDuring(1, 5)).toEqual({ error: NONE, committed: 1 })
  })

  it.each([0, 4, 5])('v%i: without a marker they are committed', async (version) => {
    expect(await commitDuring(0, version)).toEqual({ error: NONE, committed: 1 })
  })
})
