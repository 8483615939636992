import { setTimeout as delay } from 'node:timers/promises'
import type { Docker } from '../containers/docker.ts'
import { BASE, IMAGE } from '../containers/image.ts'
import { eventually } from '../process.ts'
import { repositoryRoot } from '../toolchains.ts'
import { roundTrip } from './round-trip.ts'
import type { Service } from './service.ts'
import { type Address, kafkaService, type Shape, servicesOf } from './shapes.ts'

const START_MS = 30_000
const READY = 'Kafka Server started'
/** Files ask every five or ten seconds, which only a person would wait for. */
const HEALTH_INTERVAL = '300ms'
/** Only its last lines tell why a broker does not start. */
const LOG_LINES = '40'

/**
 * A shape in Docker: a network of its own as compose and CI runners make one, the file's names and ports in it, our
 * image for the Kafka image. Clients of the host are in this process, others in containers.
 */
export async function runInDocker(shape: Shape, docker: Docker): Promise<void> {
  const services = servicesOf(shape)
  const service = kafkaService(services, shape.broker)
  const network = `odradek-shape-${process.pid}-${shape.name}`
  const container = `${network}-broker`
  await docker.run('network', 'create', network)
  try {
    await docker.run(...['run', '--detach', '--name', container, '--network', network], ...optionsOf(service))
    await untilReady(docker, container, service)
    for (const name of shape.jobs ?? []) {
      await docker.run('run', '--rm', '--network', network, ...optionsOf(kafkaService(services, name)))
    }
    for (const address of shape.addresses) await tryFrom(address, shape, { docker, network, container })
  } catch (error) {
    const { stdout, stderr } = await docker.try('logs', '--tail', LOG_LINES, container)
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${stdout}${stderr}`, { cause: error })
  } finally {
    await docker.try('rm', '--force', '--volumes', container)
    await docker.try('network', 'rm', network)
  }
}

/** What compose would ask the engine for. */
function optionsOf({ hostNames, published, environment, mounts, healthcheck, entrypoint, command }: Service): string[] {
  const [program, ...first] = entrypoint ?? []
  return [
    ...[...new Set(hostNames)].flatMap((name) => ['--network-alias', name]),
    ...[...published].flatMap(([host, container]) => ['--publish', `127.0.0.1:${host}:${container}`]),
    ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...mounts.flatMap(({ source, target }) => ['--volume', `${source}:${target}`]),
    ...(healthcheck === null ? [] : healthOptions(healthcheck.command)),
    ...(program === undefined ? [] : ['--entrypoint', program]),
    IMAGE.ours,
    ...first,
    ...(command ?? []),
  ]
}

/** The command line takes it as a line for a shell. */
function healthOptions(words: readonly string[]): string[] {
  const [shell, flag, line] = words
  const isLine = shell === '/bin/sh' && flag === '-c' && words.length === 3
  const command = isLine ? line! : words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  return ['--health-cmd', command, '--health-interval', HEALTH_INTERVAL, '--health-retries', '50']
}

async function untilReady(docker: Docker, container: string, service: Service): Promise<void> {
  await eventually('the broker says that it is ready', START_MS, async () => {
    const { stdout } = await docker.try('logs', container)
    if (stdout.includes(READY)) return true
    const state = await docker.run('inspect', '--format', '{{.State.Running}} {{.State.ExitCode}}', container)
    if (state.startsWith('false')) throw new Error(`the broker ended: ${state}`)
    return undefined
  })
  if (service.healthcheck === null) return
  await eventually('the container is healthy', START_MS, async () => {
    const status = await docker.run('inspect', '--format', '{{.State.Health.Status}}', container)
    if (status === 'healthy') return true
    await delay(50)
    return undefined
  })
}

interface Place {
  readonly docker: Docker
  readonly network: string
  readonly container: string
}

async function tryFrom({ from, bootstrap }: Address, shape: Shape, { docker, network, container }: Place) {
  if (from === 'host') {
    const onThisMachine = (host: string, port: number) => (/^(?:localhost|127\.)/.test(host) ? port : 'ENOTFOUND')
    await roundTrip(bootstrap, onThisMachine, shape)
    return
  }
  const program = [
    'node',
    '--disable-warning=TimeoutNegativeWarning',
    '/repository/compat-tests/shapes/from-container.ts',
  ]
  const where = from === 'own' ? `container:${container}` : network
  const mount = ['--volume', `${repositoryRoot}:/repository:ro`]
  await docker.run('run', '--rm', '--network', where, ...mount, BASE, ...program, shape.name, bootstrap)
}
