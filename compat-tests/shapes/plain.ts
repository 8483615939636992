import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { endProcess, endWithUs, eventually, onText, runToEnd } from '../process.ts'
import { ImageRoot } from './image-root.ts'
import { roundTrip } from './round-trip.ts'
import type { Service } from './service.ts'
import { kafkaService, type Shape, servicesOf } from './shapes.ts'
import { reach, type Standpoint, type VirtualNetwork } from './virtual-network.ts'

const START_MS = 30_000
const JOB_MS = 60_000
const OUTPUT_KEPT = 8_000
const READY = /^Odradek is ready on .*\n/m

/**
 * A shape without Docker: the environment, the command and the mounts of the file, given to the scripts of our image in
 * a folder, on a network of its own that is made of free loopback ports.
 */
export function runPlainly(shape: Shape): Promise<void> {
  return runServices(servicesOf(shape), shape)
}

/** The same for services from elsewhere. */
export async function runServices(services: readonly Service[], shape: Shape): Promise<void> {
  const service = kafkaService(services, shape.broker)
  const folder = mkdtempSync(path.join(tmpdir(), 'odradek-shape-'))
  const ports = path.join(folder, 'ports')
  mkdirSync(ports)
  const network: VirtualNetwork = { folder: ports, names: service.hostNames, published: [...service.published] }
  const broker = new PlainContainer(service, network, 'own', folder)
  try {
    broker.start()
    await broker.untilReady()
    if (service.healthcheck !== null) await broker.run(service.healthcheck.command, 'the healthcheck')
    for (const name of shape.jobs ?? []) {
      const job = kafkaService(services, name)
      const container = new PlainContainer(job, network, 'network', folder)
      await container.run([...(job.entrypoint ?? []), ...(job.command ?? [])], name)
    }
    for (const { from, bootstrap } of shape.addresses) {
      await roundTrip(bootstrap, (host, port) => reach(network, from, host, port), shape)
    }
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${broker.output}`, { cause: error })
  } finally {
    await broker.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A service of the file, with the image in a folder instead of a container. */
class PlainContainer {
  output = ''
  readonly #service: Service
  readonly #root: ImageRoot
  readonly #environment: Readonly<Record<string, string>>
  #child: ChildProcess | null = null

  constructor(service: Service, network: VirtualNetwork, standpoint: Standpoint, folder: string) {
    const root = new ImageRoot(path.join(folder, service.name), service)
    const given = Object.entries(service.environment).map(([name, value]) => [name, root.moved(value)])
    this.#service = service
    this.#root = root
    this.#environment = {
      ...root.environment,
      NODE_OPTIONS: `--import=${path.join(import.meta.dirname, 'join-network.ts')}`,
      SHAPE_NETWORK: JSON.stringify({ ...network, standpoint, hostname: service.hostNames.at(1) ?? service.name }),
      ...Object.fromEntries(given),
    }
  }

  /** As the engine would: the command of the file, or that of the image. */
  start(): void {
    const { entrypoint, command } = this.#service
    const words = [...(entrypoint ?? []), ...(command ?? [])]
    const [program, ...args] =
      words.length === 0 ? this.#root.ownCommand : this.#root.movedCommand(words, this.#service)
    const child = spawn(program!, args, {
      cwd: this.#root.folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    endWithUs(child)
    const take = (text: string) => {
      this.output = (this.output + text).slice(-OUTPUT_KEPT)
    }
    onText(child.stdout, take)
    onText(child.stderr, take)
    this.#child = child
  }

  untilReady(): Promise<true> {
    return eventually(
      'the broker says that it is ready',
      START_MS,
      async () => {
        if (READY.test(this.output)) return true
        if (this.#child?.exitCode !== null) throw new Error(`the broker ended with ${this.#child?.exitCode}`)
        return undefined
      },
      10,
    )
  }

  /** A command in the container, which has to end with 0 the first time: the broker is ready. */
  async run(command: readonly string[], what: string): Promise<void> {
    const [program, ...args] = this.#root.movedCommand(command, this.#service)
    if (program === undefined) throw new Error(`${what} has no command`)
    const options = { cwd: this.#root.folder, env: this.#environment, timeoutMs: JOB_MS }
    const { code, stdout, stderr } = await runToEnd(program, args, options)
    if (code !== 0) throw new Error(`${what} ended with ${code}: ${command.join(' ')}\n${stdout}${stderr}`)
  }

  async end(): Promise<void> {
    if (this.#child !== null) await endProcess(this.#child, 'SIGTERM', START_MS)
  }
}
