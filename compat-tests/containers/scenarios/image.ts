import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerContainer } from '../broker-container.ts'
import { IMAGE } from '../image.ts'
import { roundTrip } from '../round-trip.ts'
import type { Scenario } from '../scenario.ts'
import { UnderLoad } from '../under-load.ts'

const PUBLISHED = ['--publish', '127.0.0.1::9092']
const HEALTH_PATIENCE_MS = 20_000
/** What the kernel's kill looks like: the time of `docker stop` was up. */
const KILLED = 137

/** With nothing else, clients that come through the published port are told localhost and the broker's own port. */
const ON_ITS_PORT = ['--publish', '127.0.0.1:9092:9092']
const ADDRESS = 'localhost:9092'

/** `docker run` with these options and words: it starts, and passes records. */
function runs(name: string, options: readonly string[], command: readonly string[] = []): Scenario {
  return {
    name,
    run: async ({ docker }) => {
      await using container = await BrokerContainer.run(docker, [...ON_ITS_PORT, ...options], command)
      await container.waitForLog()
      assert.equal(await roundTrip(ADDRESS), ADDRESS)
    },
  }
}

const data = (owner: string) => ['--tmpfs', `/var/lib/kafka/data:${owner}`]

export const imageScenarios: readonly Scenario[] = [
  {
    name: 'docker run: the health check becomes healthy',
    run: async ({ docker, note }) => {
      const start = performance.now()
      await using container = await BrokerContainer.run(docker, PUBLISHED)
      const deadline = Date.now() + HEALTH_PATIENCE_MS
      let health = ''
      while (health !== 'healthy' && Date.now() < deadline) {
        health = await container.inspect('{{.State.Health.Status}}')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      assert.equal(health, 'healthy', await container.inspect('{{json .State.Health}}'))
      note(`after ${Math.round(performance.now() - start)} ms`)
    },
  },
  {
    name: 'docker stop: under load, and nothing that was acknowledged is lost',
    run: async ({ docker, note }) => {
      const volume = `odradek-compat-${process.pid}`
      const options = [...ON_ITS_PORT, '--volume', `${volume}:/var/lib/kafka/data`]
      try {
        const load = new UnderLoad(ADDRESS)
        {
          await using container = await BrokerContainer.run(docker, options)
          await container.waitForLog()
          await load.begin()
          const start = performance.now()
          await docker.run('stop', '--time', '1', container.id)
          const ms = Math.round(performance.now() - start)
          const code = Number(await container.inspect('{{.State.ExitCode}}'))
          assert.notEqual(code, KILLED, await container.logs())
          const acknowledged = await load.end()
          note(`stopped after ${ms} ms with exit code ${code}, ${acknowledged} records acknowledged until then`)
        }
        await using _again = await BrokerContainer.run(docker, options)
        await _again.waitForLog()
        await load.verify()
      } finally {
        await docker.run('volume', 'rm', '--force', volume)
      }
    },
  },
  runs('docker run --read-only', ['--read-only', '--tmpfs', '/tmp']),
  runs(
    'docker run --read-only with Confluent’s start script',
    [...['--read-only', '--tmpfs', '/tmp', '--tmpfs', '/etc/kafka:uid=1000']],
    ['/etc/confluent/docker/run'],
  ),
  runs('docker run --user 4242:0, as OpenShift does', ['--user', '4242:0']),
  runs('docker run --user 4242:4242 with data of its own', ['--user', '4242:4242', ...data('uid=4242,gid=4242')]),
  runs('docker run --user 0:0', ['--user', '0:0']),
  runs('docker run --init', ['--init']),
  {
    name: 'docker run … run NAME=VALUE: variables as arguments',
    run: async ({ docker }) => {
      const words = ['/etc/kafka/docker/run', 'KAFKA_NUM_PARTITIONS=3', 'KAFKA_CREATE_TOPICS=made:2:1:compact']
      await using container = await BrokerContainer.run(docker, ON_ITS_PORT, words)
      await container.waitForLog()
      await roundTrip(ADDRESS)
      const described = await container.exec('kafka-topics', '--bootstrap-server', 'localhost:9092', '--describe')
      assert.match(described, /Topic: orders\b.*PartitionCount: 3\b/)
      assert.match(described, /Topic: made\b.*PartitionCount: 2\b/)
    },
  },
  {
    name: 'docker run: data that cannot be written are explained',
    run: async ({ docker, folder, note }) => {
      const locked = join(folder, 'locked')
      mkdirSync(locked)
      chownSync(locked, 5, 5)
      chmodSync(locked, 0o700)
      const { code, stderr } = await docker.try('run', '--rm', '--volume', `${locked}:/var/lib/kafka/data`, IMAGE.ours)
      assert.notEqual(code, 0)
      assert.match(stderr, /\/var\/lib\/kafka\/data/)
      note(stderr.trim())
    },
  },
  runs('Confluent’s start script', [], ['/etc/confluent/docker/run']),
  runs(
    'Bitnami’s start scripts',
    [],
    ['/opt/bitnami/scripts/kafka/entrypoint.sh', '/opt/bitnami/scripts/kafka/run.sh'],
  ),
]
