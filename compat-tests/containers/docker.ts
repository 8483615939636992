import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { endProcess, endWithUs, type Finished, isInstalled, runChecked, runToEnd } from '../process.ts'

const START_PATIENCE_MS = 30_000
const POLL_MS = 50
const LOG_LINES = 30
/** What a Docker engine is asked for: the command line's own words. */
export class Docker {
  /** As in DOCKER_HOST; what the Testcontainers of every language read. */
  readonly host: string
  readonly #daemon: ChildProcess | null

  constructor(host: string, daemon: ChildProcess | null = null) {
    this.host = host
    this.#daemon = daemon
  }

  get environment(): Record<string, string> {
    return { DOCKER_HOST: this.host, DOCKER_BUILDKIT: '0', DOCKER_CLI_HINTS: 'false' }
  }

  /** Runs `docker …`; what it prints, without the last line end. Throws with everything it said when it fails. */
  async run(...args: readonly string[]): Promise<string> {
    const { stdout } = await runChecked('docker', args, { env: this.environment, timeoutMs: 120_000 })
    return stdout.trimEnd()
  }

  /** The same, where a failure is a result. */
  try(...args: readonly string[]): Promise<Finished> {
    return runToEnd('docker', args, { env: this.environment, timeoutMs: 120_000 })
  }

  /** Ends the engine, where it is ours. */
  async close(): Promise<void> {
    if (this.#daemon !== null) await endProcess(this.#daemon, 'SIGTERM', 20_000)
  }
}

/** An engine that is there already: the one that DOCKER_HOST names, or the usual one. Null where none answers. */
export async function runningEngine(): Promise<Docker | null> {
  const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock'
  if (!(await isInstalled('docker', '--version'))) return null
  const docker = new Docker(host)
  return (await answers(docker)) ? docker : null
}

async function answers(docker: Docker): Promise<boolean> {
  return (await docker.try('version')).code === 0
}

/** Why no engine of our own can be started here, or null when everything for it is installed. Installs what is missing. */
export async function installEngine(progress: (line: string) => void): Promise<string | null> {
  if (process.platform !== 'linux') return 'no Docker engine answers, and one can be started on Linux only'
  if (process.getuid?.() !== 0) return 'no Docker engine answers, and one can be started by root only'
  if (!(await isInstalled('unshare', '--version'))) return 'no Docker engine answers, and there is no unshare'
  const missing: string[] = []
  if (!(await isInstalled('dockerd', '--version'))) missing.push('docker.io')
  if (!(await isInstalled('docker', '--version'))) missing.push('docker-cli')
  if (!(await isInstalled('ip', '-V'))) missing.push('iproute2')
  if (missing.length === 0) return null
  if (!(await isInstalled('apt-get', '--version')))
    return `no Docker engine answers, and there is no ${missing.join(', ')}`
  progress(`${missing.join(', ')}: installing with apt-get`)
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: 300_000 }
  await runChecked('apt-get', ['-q', 'update'], options)
  for (const name of missing) {
    // docker.io brings the command line where it is no package of its own.
    if (name === 'docker-cli' && (await isInstalled('docker', '--version'))) continue
    await runChecked('apt-get', ['-q', 'install', '-y', '--no-install-recommends', name], options)
  }
  return null
}

/**
 * An engine in a folder of its own, which reaches nothing but this network namespace: no filter rules, no registry. Its
 * control groups have the name of the folder above.
 * Throws with the end of its log when it does not start.
 */
export async function startEngine(folder: string): Promise<Docker> {
  mkdirSync(folder, { recursive: true })
  const host = `unix://${join(folder, 'docker.sock')}`
  const log = join(folder, 'dockerd.log')
  const output = openSync(log, 'a')
  const daemon = spawn(
    'dockerd',
    [
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
      ...['--pidfile', join(folder, 'dockerd.pid'), '--host', host, '--cgroup-parent', `/${basename(dirname(folder))}`],
      ...['--iptables=false', '--ip6tables=false', '--bip', '172.30.0.1/24'],
    ],
    { stdio: ['ignore', output, output] },
  )
  closeSync(output)
  endWithUs(daemon)
  let failure: Error | null = null
  daemon.once('error', (error) => {
    failure = error
  })
  const docker = new Docker(host, daemon)
  const deadline = Date.now() + START_PATIENCE_MS
  while (!(existsSync(join(folder, 'docker.sock')) && (await answers(docker)))) {
    if (failure !== null) throw failure
    if (daemon.exitCode !== null || Date.now() > deadline) {
      const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES)
      await docker.close()
      throw new Error(`dockerd does not start:\n${lines.join('\n')}`)
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return docker
}
