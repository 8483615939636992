import assert from 'node:assert/strict'
import { BrokerContainer } from '../broker-container.ts'
import type { Scenario } from '../scenario.ts'

const SERVER = ['--bootstrap-server', 'localhost:9092']

/** Health checks as compose files of others have them, and what must come of each. */
const HEALTH_CHECKS: readonly (readonly [command: string, printed: RegExp])[] = [
  ['kafka-topics --bootstrap-server localhost:9092 --list', /^stock$/m],
  ['kafka-topics.sh --bootstrap-server localhost:9092 --list', /^stock$/m],
  ['/opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 --list', /^stock$/m],
  ['/opt/bitnami/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 --list', /^stock$/m],
  ['kafka-broker-api-versions --bootstrap-server localhost:9092', /Produce\(0\)/],
  ['kafka-broker-api-versions.sh --bootstrap-server localhost:9092', /Produce\(0\)/],
  ['/opt/kafka/bin/kafka-cluster.sh cluster-id --bootstrap-server localhost:9092', /Cluster ID: [\w-]{22}/],
  ['kafka-consumer-groups --bootstrap-server localhost:9092 --list', /^$/],
  ['kafka-storage random-uuid', /^[\w-]{22}$/m],
  ['nc -z localhost 9092', /^$/],
  ['hostname -i', /^\d+\.\d+\.\d+\.\d+/],
]

export const toolScenarios: readonly Scenario[] = [
  {
    name: 'in the container: Kafka’s tools by every name and path',
    run: async ({ docker, note }) => {
      await using container = await BrokerContainer.run(docker, [])
      await container.waitForLog()
      const create = ['--create', '--topic', 'stock', '--partitions', '2']
      assert.match(await container.exec('kafka-topics', ...SERVER, ...create), /Created topic stock/)
      const times: string[] = []
      for (const [command, printed] of HEALTH_CHECKS) {
        const start = performance.now()
        const output = await container.exec('sh', '-c', command)
        times.push(`${Math.round(performance.now() - start)} ms ${command.split(' ')[0]}`)
        assert.match(output, printed, command)
      }
      note(`with docker exec: ${times.join(', ')}`)
    },
  },
  {
    name: 'in the container: a record by the console tools',
    run: async ({ docker }) => {
      await using container = await BrokerContainer.run(docker, [])
      await container.waitForLog()
      const produce = 'echo lamp | kafka-console-producer.sh --bootstrap-server localhost:9092 --topic stock'
      await container.exec('sh', '-c', produce)
      const consume = ['--topic', 'stock', '--from-beginning', '--max-messages', '1', '--timeout-ms', '10000']
      assert.match(await container.exec('kafka-console-consumer.sh', ...SERVER, ...consume), /^lamp$/m)
    },
  },
  {
    name: 'in the container: the odradek command',
    run: async ({ docker }) => {
      await using container = await BrokerContainer.run(docker, [])
      await container.waitForLog()
      assert.match(await container.exec('odradek', '--version'), /^\d+\.\d+\.\d+/)
      await docker.run('stop', container.id)
      assert.match(await container.inspect('{{.State.ExitCode}}'), /^(0|143)$/)
    },
  },
]
