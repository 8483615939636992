import type { Fault } from '../cluster-control.ts'
import { eventually } from '../process.ts'
import { has, type Scenario, type ScenarioContext } from '../scenario.ts'
import { BROKER_IDS } from './cluster-load.ts'
import { coordinatorOf, coordinators, partitionOf, TRANSACTIONS_TOPIC } from './coordinator-location.ts'
import { TransactionLoad, underTransactions } from './transaction-load.ts'
import { OFFSET_OPERATIONS } from './transactions-offsets.ts'

interface Expected {
  readonly api: string
  readonly errors: readonly string[]
  /** Of transaction version 1 only: with version 2 the first Produce and TxnOffsetCommit do it. */
  readonly first?: boolean
}

const REQUESTS: readonly Expected[] = [
  { api: 'InitProducerId', errors: ['COORDINATOR_LOAD_IN_PROGRESS', 'CONCURRENT_TRANSACTIONS'] },
  { api: 'AddPartitionsToTxn', errors: ['CONCURRENT_TRANSACTIONS', 'COORDINATOR_NOT_AVAILABLE'], first: true },
  { api: 'AddOffsetsToTxn', errors: ['CONCURRENT_TRANSACTIONS', 'NOT_COORDINATOR'], first: true },
  { api: 'TxnOffsetCommit', errors: ['COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR'] },
  { api: 'EndTxn', errors: ['CONCURRENT_TRANSACTIONS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR'] },
]

type FaultKind = 'error' | 'lose-answer' | 'disconnect'

/** Rules for every request that the client makes in a transaction. */
async function addFaults(context: ScenarioContext, kinds: readonly FaultKind[]): Promise<Map<string, string>> {
  const rules = new Map<string, string>()
  for (const { api, errors, first = false } of REQUESTS) {
    if (first && !has(context.client, 'adds-partitions-by-request')) continue
    const faults = kinds.flatMap((kind): Fault[] => {
      if (kind !== 'error') return [{ kind, api, times: 1 }]
      return errors.map((errorCode) => ({ kind, api, errorCode, times: 1 }))
    })
    for (const fault of faults) rules.set(JSON.stringify(fault), await context.control.addFault(fault))
  }
  return rules
}

function faultScenario(name: string, ...kinds: FaultKind[]): Scenario {
  return {
    name,
    fixture: 'cluster',
    operations: OFFSET_OPERATIONS,
    async run(context) {
      const { control } = context
      const load = await TransactionLoad.prepare(context)
      try {
        const rules = await addFaults(context, kinds)
        await load.start()
        for (const [fault, id] of rules) {
          await eventually(`${fault} fired`, 60_000, async () => ((await control.fired(id)) > 0 ? true : undefined))
        }
        await load.goesOn()
        await load.finish()
      } finally {
        await load.end()
      }
    },
  }
}

export const clusterTransactionScenarios: readonly Scenario[] = [
  faultScenario('cluster-transactions-error', 'error'),
  faultScenario('cluster-transactions-disconnect', 'lose-answer', 'disconnect'),
  {
    name: 'cluster-transactions-coordinator-moved',
    fixture: 'cluster',
    operations: OFFSET_OPERATIONS,
    run: (context) =>
      underTransactions(context, async (load) => {
        const id = load.place.transactionalId
        const partition = partitionOf(id, (await coordinators(context, TRANSACTIONS_TOPIC)).length)
        for (let round = 1; round <= BROKER_IDS.length; round++) {
          const now = await coordinatorOf(context, TRANSACTIONS_TOPIC, id)
          await context.control.moveLeader(TRANSACTIONS_TOPIC, partition, (now % BROKER_IDS.length) + 1)
          await load.goesOn()
        }
      }),
  },
  {
    name: 'cluster-transactions-coordinator-killed',
    fixture: 'cluster',
    operations: OFFSET_OPERATIONS,
    run: (context) =>
      underTransactions(context, async (load) => {
        const victim = await coordinatorOf(context, TRANSACTIONS_TOPIC, load.place.transactionalId)
        await context.control.change('kill', victim)
        await load.goesOn()
        await context.control.change('start', victim)
      }),
  },
]
