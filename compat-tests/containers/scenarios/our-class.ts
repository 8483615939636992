import assert from 'node:assert/strict'
import { Kafka, logLevel } from 'kafkajs'
import { Network } from 'testcontainers'
import { OdradekContainer } from '../../../src/containers/testcontainers.ts'
import { repositoryRoot } from '../../toolchains.ts'
import { BASE, IMAGE } from '../image.ts'
import { roundTrip } from '../round-trip.ts'
import type { Scenario } from '../scenario.ts'

export const ourClassScenarios: readonly Scenario[] = [
  {
    name: 'OdradekContainer: topics, messages, reset',
    run: async ({ note }) => {
      const start = performance.now()
      const topics = ['orders', { name: 'invoices', partitions: 3, config: { 'retention.ms': 60_000 } }] as const
      await using container = await new OdradekContainer(IMAGE.ours).withTopics(...topics).start()
      note(`started in ${Math.round(performance.now() - start)} ms`)
      assert.equal(await roundTrip(container.getBootstrapServers()), container.getBootstrapServers())
      assert.equal((await container.waitForMessages('orders', 3)).length, 3)
      await container.createTopics(['more'])
      await container.reset()
      const { topics: left } = (await container.request('GET', '/topics')) as { topics: readonly object[] }
      assert.deepEqual(left, [
        { name: 'invoices', endOffsets: [0, 0, 0] },
        { name: 'orders', endOffsets: [0] },
      ])
    },
  },
  {
    name: 'OdradekContainer: faults',
    run: async () => {
      await using container = await new OdradekContainer(IMAGE.ours).withTopics('orders').start()
      const { id } = await container.addFault({ kind: 'lose-answer', api: 'Produce', topic: 'orders', times: 1 })
      const kafka = new Kafka({ brokers: [container.getBootstrapServers()], logLevel: logLevel.NOTHING })
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      await producer.send({ topic: 'orders', messages: [{ value: 'once' }] })
      await producer.disconnect()
      assert.deepEqual(
        (await container.faults()).map((rule) => [rule.id, rule.fired]),
        [[id, 1]],
      )
      assert.equal((await container.messages('orders')).length, 1)
      await container.clearFaults()
      assert.deepEqual(await container.faults(), [])
    },
  },
  {
    name: 'OdradekContainer: three brokers, one of them killed',
    run: async ({ note }) => {
      await using container = await new OdradekContainer(IMAGE.ours).withBrokers(3).withTopics('orders').start()
      const servers = container.getBootstrapServers()
      assert.equal(await roundTrip(servers), servers)
      await container.request('POST', '/brokers/1/kill')
      // Docker's proxy accepts for the dead one and closes; kafkajs then asks no other of those it was given.
      const alive = servers.split(',').slice(1).join(',')
      assert.equal(await roundTrip(alive, 'after'), alive)
      note(`round trips through ${servers}`)
    },
  },
  {
    name: 'OdradekContainer: started again, its records are there',
    run: async () => {
      await using container = await new OdradekContainer(IMAGE.ours).start()
      await roundTrip(container.getBootstrapServers())
      await container.restart({ timeout: 10_000 })
      assert.equal((await container.waitForMessages('orders', 3)).length, 3)
      await roundTrip(container.getBootstrapServers(), 'after')
    },
  },
  {
    name: 'OdradekContainer: from another container of its network',
    run: async ({ docker, note }) => {
      await using network = await new Network().start()
      const container = new OdradekContainer(IMAGE.ours).withNetwork(network).withNetworkAliases('broker')
      await using started = await container.start()
      const mount = `${repositoryRoot}:/repository:ro`
      const client = ['node', '/repository/compat-tests/containers/round-trip.ts', started.getNetworkBootstrapServers()]
      const told = await docker.run('run', '--rm', '--network', network.getName(), '-v', mount, BASE, ...client)
      assert.equal(told, 'broker:19092')
      await roundTrip(started.getBootstrapServers())
      note(`inside ${told}, outside ${started.getBootstrapServers()}`)
    },
  },
  {
    name: 'OdradekContainer: what keeps it from starting is in the error',
    run: async ({ docker }) => {
      const start = new OdradekContainer(IMAGE.ours).withTopics('not a topic').start()
      await assert.rejects(start, /not a topic/)
      assert.equal(await docker.run('ps', '--all', '--quiet', '--filter', `ancestor=${IMAGE.ours}`), '')
    },
  },
  {
    name: 'OdradekContainer: in the network of the host',
    run: async () => {
      await using container = await new OdradekContainer(IMAGE.ours)
        .withNetworkMode('host')
        .withTopics('orders')
        .start()
      assert.equal(container.getBootstrapServers(), '127.0.0.1:9092')
      await roundTrip(container.getBootstrapServers())
      assert.equal((await container.messages('orders')).length, 3)
    },
  },
]
