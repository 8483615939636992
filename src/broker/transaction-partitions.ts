import { ErrorCode } from '../../protocol/errors.ts'
import type { ProducerIdentity } from '../coordinator/coordinator-log.ts'
import type { TopicPartition } from '../coordinator/transaction/transaction-records.ts'
import { TransactionVersion } from '../coordinator/transaction/transaction-state.ts'
import type { Broker } from './broker.ts'

export interface TransactionMember extends ProducerIdentity {
  readonly transactionalId: string
  /** They become part of the transaction (KIP-890); otherwise they have to be it already. */
  readonly implicit: boolean
}

type Asker = Pick<Broker, 'config' | 'clock' | 'membership' | 'peers' | 'transactions'>

const CONCURRENT_RETRY_MS = 'add.partitions.to.txn.retry.backoff.ms'
const CONCURRENT_RETRY_MAX_MS = 'add.partitions.to.txn.retry.backoff.max.ms'

/**
 * Whether a producer may write to partitions as part of its transaction: one error each, in order, from the
 * transaction's coordinator, wherever among the brokers of this process it is.
 */
export async function enterTransaction(
  broker: Asker,
  member: TransactionMember,
  partitions: readonly TopicPartition[],
): Promise<readonly ErrorCode[]> {
  const { membership, peers, transactions } = broker
  const { implicit, ...producer } = member
  const coordinator = peers.transactions(membership, transactions.shardOf(member.transactionalId))
  if (coordinator === undefined) return partitions.map(() => ErrorCode.COORDINATOR_NOT_AVAILABLE)
  if (implicit) {
    const add = () =>
      coordinator.addPartitions({ ...producer, partitions, transactionVersion: TransactionVersion.IMPLICIT })
    const error = await whileConcurrent(broker, async () => (await add()).error)
    return partitions.map(() => error)
  }
  const { error, added } = await coordinator.verifyPartitions({ ...producer, partitions })
  if (error !== ErrorCode.NONE) return partitions.map(() => error)
  return added.map((isAdded) => (isAdded ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE))
}

/** The markers of the transaction before are on their way: a moment's patience spares the client a retry. */
async function whileConcurrent({ config, clock }: Asker, ask: () => Promise<ErrorCode>): Promise<ErrorCode> {
  const endMs = clock.monotonicMs() + config[CONCURRENT_RETRY_MAX_MS]
  for (;;) {
    const error = await ask()
    if (error !== ErrorCode.CONCURRENT_TRANSACTIONS || clock.monotonicMs() >= endMs) return error
    await new Promise<void>((resolve) => void clock.schedule(config[CONCURRENT_RETRY_MS], resolve))
  }
}
