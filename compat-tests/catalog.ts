import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DriverCommand } from './driver.ts'
import type { Scenario } from './scenario.ts'
import { clusterFaultScenarios } from './scenarios/cluster-faults.ts'
import { clusterToolScenarios } from './scenarios/cluster-tools.ts'
import { configScenarios } from './scenarios/configs.ts'
import { consoleToolScenarios } from './scenarios/console-tools.ts'
import { diskBudgetScenarios } from './scenarios/disk-budget.ts'
import { dumpLogScenarios } from './scenarios/dump-log.ts'
import { failoverScenarios } from './scenarios/failover.ts'
import { groupAdminScenarios } from './scenarios/group-admin.ts'
import { groupScenarios } from './scenarios/groups.ts'
import { kcatScenarios } from './scenarios/kcat.ts'
import { offsetScenarios } from './scenarios/offsets.ts'
import { produceScenarios } from './scenarios/produce-rules.ts'
import { restartScenarios } from './scenarios/restart.ts'
import { roundTripScenarios } from './scenarios/round-trip.ts'
import { topicScenarios } from './scenarios/topics.ts'
import { transactionScenarios } from './scenarios/transactions.ts'
import { clusterTransactionScenarios } from './scenarios/transactions-cluster.ts'
import { transactionFailureScenarios } from './scenarios/transactions-failures.ts'
import { transactionOffsetScenarios } from './scenarios/transactions-offsets.ts'
import { transactionToolScenarios } from './scenarios/transactions-tool.ts'
import { unknownScenarios } from './scenarios/unknown.ts'
import { volumeScenarios } from './scenarios/volume.ts'
import { goDriver, javaClasses, kafkaClasspath, pythonInterpreter, type Toolchain } from './toolchains.ts'

/** A client of the suite: what it needs, how its driver is started, and what it goes through. */
export interface ClientDefinition {
  name: string
  toolchain: Toolchain
  launch(): Promise<DriverCommand>
  scenarios: readonly Scenario[]
}

const clientsFolder = join(dirname(fileURLToPath(import.meta.url)), 'clients')

/** What every client library goes through. */
const commonScenarios: readonly Scenario[] = [
  ...roundTripScenarios,
  ...volumeScenarios,
  ...diskBudgetScenarios,
  ...produceScenarios,
  ...offsetScenarios,
  ...topicScenarios,
  ...configScenarios,
  ...groupScenarios,
  ...groupAdminScenarios,
  ...unknownScenarios,
  ...transactionScenarios,
  ...transactionOffsetScenarios,
  ...transactionFailureScenarios,
  ...restartScenarios,
]

/** With three virtual brokers. */
const clusterScenarios: readonly Scenario[] = [
  ...clusterTransactionScenarios,
  ...clusterFaultScenarios,
  ...failoverScenarios,
]

export const clients: readonly ClientDefinition[] = [
  {
    name: 'kafkajs',
    toolchain: 'node',
    launch: async () => ({ command: process.execPath, args: [join(clientsFolder, 'kafkajs', 'driver.ts')] }),
    scenarios: [...commonScenarios, ...clusterScenarios],
  },
  {
    name: 'platformatic',
    toolchain: 'node',
    launch: async () => ({ command: process.execPath, args: [join(clientsFolder, 'platformatic', 'driver.ts')] }),
    scenarios: [...commonScenarios, ...clusterScenarios],
  },
  {
    name: 'java',
    toolchain: 'java',
    launch: () => javaProgram('Driver'),
    scenarios: [...commonScenarios, ...clusterScenarios],
  },
  {
    name: 'confluent-kafka',
    toolchain: 'python',
    launch: async () => ({
      command: pythonInterpreter(),
      args: [join(clientsFolder, 'python', 'confluent_driver.py')],
    }),
    scenarios: [...commonScenarios, ...clusterScenarios],
  },
  {
    name: 'aiokafka',
    toolchain: 'python',
    launch: async () => ({ command: pythonInterpreter(), args: [join(clientsFolder, 'python', 'aiokafka_driver.py')] }),
    scenarios: [...commonScenarios, ...clusterTransactionScenarios],
  },
  {
    name: 'franz-go',
    toolchain: 'franz-go',
    launch: async () => ({ command: goDriver('franz-go'), args: [] }),
    scenarios: [...commonScenarios, ...clusterScenarios],
  },
  {
    name: 'sarama',
    toolchain: 'sarama',
    launch: async () => ({ command: goDriver('sarama'), args: [] }),
    scenarios: [...commonScenarios, ...clusterTransactionScenarios],
  },
  {
    name: 'console-tools',
    toolchain: 'java',
    launch: () => javaProgram('Driver'),
    scenarios: [...consoleToolScenarios, ...dumpLogScenarios, ...clusterToolScenarios, ...transactionToolScenarios],
  },
  {
    name: 'kcat',
    toolchain: 'kcat',
    // kcat cannot create topics or ask for groups: this driver does what the scenarios need besides.
    launch: async () => ({ command: process.execPath, args: [join(clientsFolder, 'kafkajs', 'driver.ts')] }),
    scenarios: kcatScenarios,
  },
]

async function javaProgram(main: string): Promise<DriverCommand> {
  const classpath = `${javaClasses()}:${await kafkaClasspath()}`
  // A driver lives for a minute or so: the first compiler is enough, and starts faster.
  const flags = [
    '-Xmx768m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
  ]
  return { command: 'java', args: [...flags, '-cp', classpath, main] }
}
