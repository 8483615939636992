import assert from 'node:assert/strict'
import { repositoryRoot } from '../../toolchains.ts'
import { BrokerContainer } from '../broker-container.ts'
import type { Docker } from '../docker.ts'
import { withHostName } from '../host-name.ts'
import { BASE } from '../image.ts'
import { roundTrip } from '../round-trip.ts'
import type { Scenario } from '../scenario.ts'

/** kafkajs in a container of its own; gives what it was told. */
function roundTripInside(docker: Docker, network: string, bootstrapServers: string): Promise<string> {
  const mount = `${repositoryRoot}:/repository:ro`
  const client = ['node', '/repository/compat-tests/containers/round-trip.ts', bootstrapServers]
  return docker.run('run', '--rm', '--network', network, '--volume', mount, BASE, ...client)
}

async function inNetwork<T>(docker: Docker, work: (name: string) => Promise<T>): Promise<T> {
  const name = `odradek-compat-${process.pid}`
  await docker.run('network', 'create', name)
  try {
    return await work(name)
  } finally {
    await docker.run('network', 'rm', name)
  }
}

const ON_ITS_PORT = ['--publish', '9092:9092']

export const networkScenarios: readonly Scenario[] = [
  {
    name: 'nothing configured: from the host through the published port',
    run: async ({ docker, note }) => {
      await using container = await BrokerContainer.run(docker, ON_ITS_PORT)
      await container.waitForLog()
      const told: string[] = []
      for (const host of ['localhost', '127.0.0.1']) told.push(`${host}: ${await roundTrip(`${host}:9092`)}`)
      note(`told ${told.join(', ')}`)
    },
  },
  {
    name: 'nothing configured: from the host by the container’s address',
    run: async ({ docker, note }) => {
      await using container = await BrokerContainer.run(docker, ON_ITS_PORT)
      await container.waitForLog()
      const address = await container.inspect('{{.NetworkSettings.IPAddress}}')
      note(`told ${await roundTrip(`${address}:9092`)}`)
    },
  },
  {
    name: 'nothing configured: from the host by a name for the container',
    run: async (world) => {
      await using container = await BrokerContainer.run(world.docker, ON_ITS_PORT)
      await container.waitForLog()
      const address = await container.inspect('{{.NetworkSettings.IPAddress}}')
      await withHostName(world, 'kafka.test', address, async () => {
        world.note(`told ${await roundTrip('kafka.test:9092')}`)
      })
    },
  },
  {
    name: 'nothing configured: from another container, by name and address',
    run: ({ docker, note }) =>
      inNetwork(docker, async (network) => {
        const options = ['--network', network, '--network-alias', 'broker', '--hostname', 'broker']
        await using container = await BrokerContainer.run(docker, options)
        await container.waitForLog()
        const address = await container.inspect('{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
        for (const host of ['broker', address]) {
          const told = await roundTripInside(docker, network, `${host}:9092`)
          note(`${host}: told ${told}`)
        }
      }),
  },
  {
    name: 'nothing configured: from the host and another container at once',
    run: ({ docker, note }) =>
      inNetwork(docker, async (network) => {
        const options = ['--network', network, '--network-alias', 'broker', ...ON_ITS_PORT]
        await using container = await BrokerContainer.run(docker, options)
        await container.waitForLog()
        const [outside, inside] = await Promise.all([
          roundTrip('localhost:9092', 'from-host'),
          roundTripInside(docker, network, 'broker:9092'),
        ])
        assert.notEqual(outside, inside)
        note(`outside ${outside}, inside ${inside}`)
      }),
  },
  {
    name: 'nothing configured: in the network of the host',
    run: async ({ docker, note }) => {
      await using container = await BrokerContainer.run(docker, ['--network', 'host'])
      await container.waitForLog()
      note(`told ${await roundTrip('localhost:9092')}`)
    },
  },
]
