import { loadBrokerConfig } from '../../src/config/broker-config.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { SimulatedNetwork } from '../../src/io/simulated-transport.ts'
import { WireClient } from '../support/wire-client.ts'
import { BrokerProcess } from './broker-process.ts'
import { WorldClock } from './world-clock.ts'

const PORT = 9092
/** Nothing that a test asks for takes so many events, or so long. */
const EVENTS = 20_000
const LONGEST_MS = 120_000

/** A broker on simulated time, disk and network for one short script, such as what is left of a failed simulation. */
export class SmallWorld {
  readonly clock = new WorldClock()
  readonly network = new SimulatedNetwork(this.clock, new SimulatedRandom(1), { maxDelayMs: 0 })
  disk: SimulatedFileSystem
  process: BrokerProcess | null = null
  /** How long a disk operation takes. */
  diskMs = 0
  readonly #settings: ReadonlyMap<string, string>

  constructor(settings: Readonly<Record<string, string>> = {}) {
    this.#settings = new Map(
      Object.entries({ listeners: `PLAINTEXT://127.0.0.1:${PORT}`, 'log.dirs': '/data', ...settings }),
    )
    this.disk = new SimulatedFileSystem({
      nowMs: () => this.clock.nowMs(),
      latency: () => (this.diskMs > 0 ? this.clock.sleep(this.diskMs) : Promise.resolve()),
    })
  }

  /** Starts the broker on the disk as it is. */
  async start(): Promise<void> {
    this.process = new BrokerProcess({
      clock: this.clock,
      network: this.network,
      disk: this.disk,
      config: loadBrokerConfig({ commandLine: this.#settings }).config,
      seed: 1,
      onLog: () => {},
      onFuse: () => {},
    })
    await this.until(this.process.start())
  }

  kill(how: 'kill' | 'power', seed = 1): void {
    this.disk = this.process!.kill(how, seed)
  }

  connect(): Promise<WireClient> {
    return WireClient.connect(PORT, { network: this.network })
  }

  /** Lets time pass until the promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = () => {
      isSettled = true
    }
    promise.then(settle, settle)
    const endMs = this.clock.monotonicMs() + LONGEST_MS
    for (let events = 0; events < EVENTS && this.clock.monotonicMs() < endMs; events++) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      if (isSettled) return promise
      if (!this.clock.step()) break
    }
    throw new Error(`nothing came of it until ${this.clock.monotonicMs()} ms`)
  }

  async sleep(ms: number): Promise<void> {
    await this.until(this.clock.sleep(ms))
  }
}
