import { nodeFileSystem } from '../io/node-file-system.ts'
import type { BoundListener } from '../server/server.ts'
import { isSystemError, reasonOf } from './failure.ts'
import { UsageError } from './usage-error.ts'

const PHRASES_VARIABLE = 'ODRADEK_READY_PHRASES'
const ANY_ADDRESS = new Set(['::', '0.0.0.0', ''])

/** What is said on standard output when every listener accepts: a line for people, and Kafka's words if they are asked for. */
export interface Readiness {
  readonly addresses: readonly string[]
  readonly dataDirectory: string
  readonly nodeId: number
}

/**
 * The second line holds what start scripts and test libraries wait for in the output of Kafka's images:
 * `[KafkaServer id=1] started` with ZooKeeper, the others with KRaft.
 */
export function readyText({ addresses, dataDirectory, nodeId }: Readiness, withPhrases: boolean): string {
  const line = `Odradek is ready on ${addresses.join(', ')}, data in ${dataDirectory}\n`
  if (!withPhrases) return line
  return `${line}Kafka Server started, [KafkaServer id=${nodeId}] started, Transitioning from RECOVERY to RUNNING\n`
}

/** Whether ODRADEK_READY_PHRASES asks for them. */
export function wantsPhrases(value: string | undefined): boolean {
  if (!value) return false
  if (value === 'kafka') return true
  throw new UsageError(`${PHRASES_VARIABLE} ${value}: the only phrases are kafka`)
}

/**
 * A file that is there while the broker is ready: `PID HOST PORT` of a listener, for probes without Node. A broker that
 * cannot write it, as on a read-only file system, is a broker all the same.
 */
export class ReadyFile {
  readonly #path: string
  readonly #warn: (line: string) => void

  /** One that an earlier broker left behind when it was killed is removed. */
  constructor(path: string, warn: (line: string) => void) {
    this.#path = path
    this.#warn = warn
    this.remove()
  }

  write({ host, port }: Pick<BoundListener, 'host' | 'port'>, pid: number): void {
    const text = `${pid} ${ANY_ADDRESS.has(host) ? '127.0.0.1' : host} ${port}\n`
    this.#attempt(() => {
      const file = nodeFileSystem.open(this.#path, 'create')
      try {
        file.truncate(0)
        file.writeSync([Buffer.from(text)], 0)
      } finally {
        file.close()
      }
    })
  }

  remove(): void {
    this.#attempt(() => nodeFileSystem.unlink(this.#path))
  }

  #attempt(action: () => void): void {
    try {
      action()
    } catch (error) {
      if (!isSystemError(error)) throw error
      this.#warn(`ODRADEK_READY_FILE ${this.#path}: ${reasonOf(error)}`)
    }
  }
}
