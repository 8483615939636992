import { pino } from 'pino'
import type { BrokerConfig } from '../../src/config/broker-config.ts'
import type { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import type { SimulatedNetwork } from '../../src/io/simulated-transport.ts'
import { simulatedWork } from '../../src/io/simulated-work.ts'
import { Odradek } from '../../src/server/odradek.ts'
import { FusedFileSystem } from './fused-file-system.ts'
import { ProcessTransport } from './process-transport.ts'
import { LifeClock, type WorldClock } from './world-clock.ts'

/** How a process ended: in good order, killed with the machine running on, or with the power cut. */
export type End = 'close' | 'kill' | 'power'

export interface ProcessOptions {
  readonly clock: WorldClock
  readonly network: SimulatedNetwork
  readonly disk: SimulatedFileSystem
  readonly config: BrokerConfig
  readonly seed: number
  /** A line of the log, warnings and above. */
  readonly onLog: (level: number, text: string) => void
  /** The process ended by itself, at the disk operation it was told to die at. */
  readonly onFuse: () => void
}

const CLUSTER_ID = 'simulated-cluster-id-0'

/** One life of the broker: everything it holds of the outside world ends with it. */
export class BrokerProcess {
  readonly clock: LifeClock
  readonly transport: ProcessTransport
  readonly fuse: FusedFileSystem
  readonly #options: ProcessOptions
  #odradek: Odradek | null = null
  #ended: End | null = null
  /** Timers of a broker that nobody has talked to yet. */
  timersAtStart = 0

  constructor(options: ProcessOptions) {
    this.#options = options
    this.clock = new LifeClock(options.clock)
    this.transport = new ProcessTransport(options.network)
    this.fuse = new FusedFileSystem(options.disk, options.onFuse)
  }

  get alive(): boolean {
    return this.#ended === null
  }

  /** Null until it is ready. */
  get odradek(): Odradek | null {
    return this.#odradek
  }

  /** Resolves once clients can connect; never when it is killed before. */
  async start(): Promise<Odradek> {
    const { config, seed, onLog } = this.#options
    const logger = pino(
      { level: 'warn', base: null, timestamp: false },
      {
        write: (text: string) => {
          if (this.alive) onLog(JSON.parse(text).level, text.trim())
        },
      },
    )
    try {
      const odradek = await Odradek.start(
        {
          fileSystem: this.fuse,
          clock: this.clock,
          random: new SimulatedRandom(seed),
          transport: this.transport,
          work: simulatedWork(),
          endOfTurn: (callback) => void this.clock.schedule(0, callback),
          processes: null,
          logger,
        },
        { config, clusterId: CLUSTER_ID },
      )
      this.timersAtStart = this.clock.waiting.length
      if (this.alive) this.#odradek = odradek
    } catch (error) {
      if (this.alive) throw error
    }
    if (this.alive) return this.#odradek!
    return new Promise<never>(() => {})
  }

  /** Stops in good order; never resolves when it is killed meanwhile. */
  async close(): Promise<void> {
    const odradek = this.#odradek!
    this.#odradek = null
    try {
      await odradek.close()
    } catch (error) {
      if (this.alive) throw error
    }
    if (!this.alive) await new Promise<never>(() => {})
    this.#ended = 'close'
  }

  /** The disk as the next process finds it. */
  kill(how: 'kill' | 'power', crashSeed: number): SimulatedFileSystem {
    this.#ended = how
    this.#odradek = null
    this.clock.kill()
    this.transport.kill(how)
    const { disk } = this.#options
    return how === 'kill' ? disk.kill() : disk.crash(crashSeed)
  }
}
