import type { Logger } from 'pino'
import { ConfigError } from '../config/config-error.ts'
import { parseHttpListener } from '../config/http-listener.ts'
import { ConsoleServer } from '../console/console-server.ts'
import { DiskFaults } from '../io/disk-faults.ts'
import { FaultyFileSystem } from '../io/faulty-file-system.ts'
import type { FileSystem } from '../io/file-system.ts'
import { nodeClock } from '../io/node-clock.ts'
import { nodeFileSystem } from '../io/node-file-system.ts'
import { nodeRandom } from '../io/node-random.ts'
import type { Odradek } from '../server/odradek.ts'
import { isSystemError } from './failure.ts'

const SETTING = 'odradek.http.listener'

/** The HTTP side of a broker that was started from the command line. */
export class CommandConsole {
  /** The disk that it can make fail. */
  readonly fileSystem: FileSystem
  readonly #diskFaults: DiskFaults
  readonly #server: ConsoleServer

  private constructor(server: ConsoleServer) {
    this.#server = server
    this.#diskFaults = new DiskFaults({ clock: nodeClock, random: nodeRandom })
    this.fileSystem = new FaultyFileSystem(nodeFileSystem, this.#diskFaults)
  }

  /** Listens, and says that the broker is starting. Throws ConfigError where it cannot listen. */
  static async open(text: string, logger: Logger): Promise<CommandConsole> {
    try {
      return new CommandConsole(await ConsoleServer.start({ listener: parseHttpListener(text)!, logger }))
    } catch (error) {
      if (isSystemError(error)) throw new ConfigError(SETTING, `${SETTING}: ${reasonOf(error.code, text)}`)
      throw error
    }
  }

  serve({ broker }: Odradek): void {
    this.#server.serve({ faults: broker.faults, diskFaults: this.#diskFaults })
  }

  close(): Promise<void> {
    return this.#server.close()
  }
}

function reasonOf(code: string, text: string): string {
  if (code === 'EADDRINUSE') return `the port of ${text} is in use by another program`
  if (code === 'EACCES') return `this user may not listen on ${text}; choose a port above 1023`
  return `nothing here has the address of ${text} (${code})`
}
