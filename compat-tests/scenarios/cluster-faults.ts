import type { Feature } from '../client.ts'
import type { Fault, FaultTable } from '../cluster-control.ts'
import { eventually, sleep } from '../process.ts'
import { has, type Scenario } from '../scenario.ts'
import { type ClusterLoad, underLoad } from './cluster-load.ts'

interface Planned {
  readonly fault: Fault
  readonly table?: FaultTable
  /** How often it must have fired; as often as it may when left out. */
  readonly least?: number
}

interface FaultScenario {
  readonly name: string
  faults(load: ClusterLoad): readonly Planned[]
  readonly features?: readonly Feature[]
  /** Rules that go on until they are removed. */
  readonly lasting?: boolean
}

/** Longer than the drivers wait for an answer. */
const TOO_LONG_MS = 4_500
const GROUP_APIS = ['JoinGroup', 'SyncGroup', 'Heartbeat', 'OffsetCommit', 'OffsetFetch']

function each(faults: readonly Fault[]): Planned[] {
  return faults.map((fault) => ({ fault }))
}

const CASES: readonly FaultScenario[] = [
  {
    name: 'cluster-fault-error-produce',
    faults: ({ topic }) =>
      each(
        ['NOT_LEADER_OR_FOLLOWER', 'REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS', 'KAFKA_STORAGE_ERROR'].map(
          (errorCode) => ({ kind: 'error', api: 'Produce', topic, errorCode, times: 2 }),
        ),
      ),
  },
  {
    name: 'cluster-fault-error-fetch',
    faults: ({ topic }) =>
      each(
        ['NOT_LEADER_OR_FOLLOWER', 'KAFKA_STORAGE_ERROR'].map((errorCode) => ({
          kind: 'error',
          api: 'Fetch',
          topic,
          errorCode,
          times: 2,
        })),
      ),
  },
  {
    name: 'cluster-fault-error-group',
    features: ['heartbeats-while-groups-load'],
    faults: ({ group: groupId }) =>
      each([
        { kind: 'error', api: 'Heartbeat', groupId, errorCode: 'NOT_COORDINATOR', times: 2 },
        { kind: 'error', api: 'Heartbeat', groupId, errorCode: 'COORDINATOR_LOAD_IN_PROGRESS', times: 2 },
        // More than once, as long as a broker says so: kafkajs loses one that comes together with another error.
        { kind: 'error', api: 'Heartbeat', groupId, errorCode: 'REBALANCE_IN_PROGRESS', times: 5 },
        { kind: 'error', api: 'JoinGroup', groupId, errorCode: 'COORDINATOR_LOAD_IN_PROGRESS', times: 1 },
        { kind: 'error', api: 'OffsetCommit', groupId, errorCode: 'COORDINATOR_LOAD_IN_PROGRESS', times: 2 },
        { kind: 'error', api: 'OffsetCommit', groupId, errorCode: 'COORDINATOR_NOT_AVAILABLE', times: 2 },
      ]),
  },
  {
    name: 'cluster-fault-delay',
    faults: ({ topic, group: groupId }) =>
      each([
        { kind: 'delay', api: 'Produce', topic, delayMs: TOO_LONG_MS, times: 1 },
        { kind: 'delay', api: 'Fetch', topic, delayMs: TOO_LONG_MS, times: 1 },
        { kind: 'delay', api: 'OffsetCommit', groupId, delayMs: TOO_LONG_MS, times: 1 },
      ]),
  },
  {
    name: 'cluster-fault-disconnect',
    faults: ({ topic, group: groupId }) =>
      each([
        { kind: 'disconnect', api: 'Produce', topic, times: 3 },
        { kind: 'disconnect', api: 'Fetch', topic, times: 2 },
        { kind: 'disconnect', api: GROUP_APIS, groupId, times: 3 },
      ]),
  },
  {
    name: 'cluster-fault-lost-answer',
    faults: ({ topic, group: groupId }) =>
      each([
        { kind: 'lose-answer', api: 'Produce', topic, times: 3 },
        { kind: 'lose-answer', api: 'Fetch', topic, times: 2 },
        { kind: 'lose-answer', api: GROUP_APIS, groupId, times: 3 },
      ]),
  },
  {
    name: 'cluster-fault-silently-lost-answer',
    features: ['leaves-silent-connections'],
    faults: ({ topic, group: groupId }) =>
      each([
        { kind: 'lose-answer', silent: true, api: 'Produce', topic, times: 1 },
        { kind: 'lose-answer', silent: true, api: 'OffsetCommit', groupId, times: 1 },
      ]),
  },
  {
    name: 'cluster-fault-black-hole',
    features: ['leaves-silent-connections'],
    faults: ({ topic, group: groupId }) =>
      each([
        { kind: 'black-hole', api: 'Produce', topic, times: 1 },
        { kind: 'black-hole', api: 'Fetch', topic, times: 1 },
        { kind: 'black-hole', api: 'Heartbeat', groupId, times: 1 },
      ]),
  },
  {
    name: 'cluster-fault-slow-disk',
    faults: ({ topic }) => [
      { table: 'disk-faults', fault: { kind: 'slow', path: `*/${topic}-*`, delayMs: 400, times: 6 } },
    ],
  },
  {
    name: 'cluster-fault-full-disk',
    lasting: true,
    faults: ({ topic }) => [{ table: 'disk-faults', least: 2, fault: { kind: 'full', path: `*/${topic}-*` } }],
  },
]

/** The faults happen, all goes on behind them, and nothing is lost or doubled. */
function scenarioOf({ name, faults, features = [], lasting = false }: FaultScenario): Scenario {
  return {
    name,
    fixture: 'cluster',
    features,
    operations: ['join', 'news', 'commit', 'fetchOffsets'],
    run: (context) =>
      underLoad(context, 'faulty', async (load) => {
        const { control } = context
        const rules: { planned: Planned; id: string }[] = []
        for (const planned of faults(load)) {
          rules.push({ planned, id: await control.addFault(planned.fault, planned.table) })
        }
        const delays = rules.some(({ planned }) => planned.fault.kind === 'delay')
        for (const { planned, id } of rules) {
          const { fault, table, least = Number(fault['times']) } = planned
          await eventually(`${JSON.stringify(fault)} fired ${least} times`, 60_000, async () =>
            (await control.fired(id, table)) >= least ? true : undefined,
          )
          if (!lasting) continue
          await sleep(1_000)
          await control.removeFault(id, table)
        }
        // What a client gave up is done all the same when its time has come, commits too, behind those that are newer.
        if (delays) await sleep(TOO_LONG_MS)
        await load.goesOn()
        await load.commitsGoOn()
      }),
  }
}

export const clusterFaultScenarios: readonly Scenario[] = [
  ...CASES.map(scenarioOf),
  {
    name: 'cluster-fault-failing-disk',
    fixture: 'cluster',
    operations: ['join', 'news', 'commit', 'fetchOffsets'],
    run: (context) =>
      underLoad(
        context,
        'failing',
        async (load) => {
          const { control } = context
          // One torn write, one sync that fails: both take a partition offline until the broker is started again.
          const torn = { kind: 'torn', path: `*/${load.topic}-0/*.log`, times: 1, seed: 1 }
          const failing = { kind: 'error', operation: 'sync', path: `*/${load.topic}-1/*.log`, times: 1 }
          for (const fault of [torn, failing]) {
            const id = await control.addFault(fault, 'disk-faults')
            await eventually(`${JSON.stringify(fault)} fired`, 60_000, async () =>
              (await control.fired(id, 'disk-faults')) === 1 ? true : undefined,
            )
          }
          // A consumer of kafkajs may stand still altogether while one partition gives errors.
          if (has(context.client, 'looks-past-missing-leaders')) await load.goesOn([2])
          await context.restartBroker('stop')
          await load.goesOn()
          await load.commitsGoOn()
        },
        { failures: true },
      ),
  },
]
