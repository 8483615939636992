import assert from 'node:assert/strict'
import { KafkaContainer } from '@testcontainers/kafka'
import { GenericContainer } from 'testcontainers'
import { IMAGE } from '../image.ts'
import { roundTrip } from '../round-trip.ts'
import type { Scenario } from '../scenario.ts'

const MODULE_PORT = 9093

/** The module of Kafka knows one kind of image for each tag. */
function moduleOfKafka(name: string, image: string): Scenario {
  return {
    name,
    run: async ({ note }) => {
      await using container = await new KafkaContainer(image).start()
      const address = `${container.getHost()}:${container.getMappedPort(MODULE_PORT)}`
      assert.equal(await roundTrip(address), address)
      note(`round trip through ${address}`)
    },
  }
}

export const nodeScenarios: readonly Scenario[] = [
  {
    name: 'Node: GenericContainer, waiting for the health check',
    run: async ({ note }) => {
      const start = performance.now()
      const ports = { container: 9092, host: 9092 }
      await using container = await new GenericContainer(IMAGE.ours).withExposedPorts(ports).start()
      note(`started in ${Math.round(performance.now() - start)} ms`)
      await roundTrip(`${container.getHost()}:9092`)
    },
  },
  {
    name: 'Node: GenericContainer in the network of the host',
    run: async () => {
      await using _container = await new GenericContainer(IMAGE.ours).withNetworkMode('host').start()
      await roundTrip('127.0.0.1:9092')
    },
  },
  moduleOfKafka('Node: @testcontainers/kafka, a tag from 8 on: KRaft', IMAGE.kraft),
  moduleOfKafka('Node: @testcontainers/kafka, a tag below 8: ZooKeeper', IMAGE.zookeeper),
]
