import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { Broker, type Target } from '../broker.ts'
import { sleep } from '../process.ts'
import { Application, type Guarantee } from './application.ts'
import { streamsClasspath } from './toolchain.ts'

const SETTINGS = { 'offsets.topic.num.partitions': '10', 'transaction.state.log.num.partitions': '10' }
const UNDISTURBED_FEED_MS = 4000
/** Longer than a session, shorter than a transaction may take. */
const BEYOND_SESSION_MS = 7500
const QUIET_MS = 45_000
/** Sessions, transactions and a restored store have to be over; several times over on a busy machine. */
const PROGRESS_PATIENCE_MS = 90_000
/** After kill -9 of a single Kafka the application was once seen to stand still for longer than that. */
const KAFKA_PATIENCE_MS = 300_000

export interface ScenarioOptions {
  readonly target: Target
  readonly seed: number
  readonly rounds: number
  /** Leaves the folders of what failed. */
  readonly keep: boolean
  readonly logLevel: string
  readonly say: (line: string) => void
}

/** Feeds, waits and compares; throws an Error that tells every difference. */
async function run(
  options: ScenarioOptions,
  guarantee: Guarantee,
  disturb: (application: Application, broker: Broker, random: SimulatedRandom) => Promise<void>,
): Promise<void> {
  const random = new SimulatedRandom(options.seed)
  const broker = new Broker(options.target, SETTINGS)
  const classpath = await streamsClasspath()
  const application = new Application({
    broker,
    classpath,
    random: new SimulatedRandom(options.seed + 1),
    guarantee,
    stepsPerFeed: 5,
    logLevel: options.logLevel,
  })
  let failed = true
  try {
    await broker.start()
    await application.start()
    application.startFeeding()
    await disturb(application, broker, random)
    await application.stopFeeding()
    await application.waitForOutput(options.target === 'kafka' ? KAFKA_PATIENCE_MS : QUIET_MS)
    const differences = await application.differences()
    for (const replaced of application.replacedThreads) options.say(replaced)
    options.say(
      `${application.outputSeen} records seen of ${application.outputExpected}, ${application.recordsAborted} aborted`,
    )
    if (differences.length > 0) throw new Error(differences.join('\n'))
    failed = false
  } catch (error) {
    options.say(`broker:\n${broker.logTail()}\n${application.logTails()}`)
    if (options.keep) options.say(`kept: ${application.folder}, ${broker.dataFolder}`)
    throw error
  } finally {
    await application.dispose(options.keep && failed)
    if (options.keep && failed) await broker.stop()
    else await broker.dispose()
  }
}

export function undisturbed(options: ScenarioOptions, guarantee: Guarantee): Promise<void> {
  return run(options, guarantee, () => sleep(UNDISTURBED_FEED_MS))
}

type Disturbance = (application: Application, broker: Broker, random: SimulatedRandom) => Promise<void>

const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  async 'kill -9 of the broker'(_, broker, random) {
    await broker.kill()
    await sleep(random.below(1500))
    await broker.start()
  },
  /** The offsets are in the log, and must never count: whoever comes next begins where the last transaction ended. */
  async 'kill -9 of both instances when offsets are committed and their transaction is not'(
    application,
    broker,
    random,
  ) {
    if (application.isTransactional) await application.pauseBeforeEndOfTransaction()
    if (random.below(2) === 0) {
      await broker.kill()
      await broker.start()
    }
    await Promise.all([application.killInstance(0), application.killInstance(1)])
    application.startInstance(0)
    application.startInstance(1)
  },
  async 'kill -9 of the broker and an instance'(application, broker, random) {
    const index = random.below(2)
    await Promise.all([broker.kill(), sleep(random.below(30)).then(() => application.killInstance(index))])
    await sleep(random.below(1000))
    application.startInstance(index)
    await sleep(random.below(1000))
    await broker.start()
  },
  async 'kill -9 of an instance'(application, _, random) {
    const index = random.below(2)
    await application.killInstance(index)
    await sleep(random.below(2500))
    application.startInstance(index)
  },
  async 'kill -9 of both instances'(application, _, random) {
    await Promise.all([application.killInstance(0), application.killInstance(1)])
    await sleep(random.below(2000))
    application.startInstance(random.below(2) === 0 ? 0 : 1)
    application.startInstance(application.isAbsent(0) ? 0 : 1)
  },
  async 'kill -9 of the broker, and once more when it has just started'(_, broker, random) {
    await broker.kill()
    await broker.start()
    await sleep(random.below(400))
    await broker.kill()
    await broker.start()
  },
  /** Its session and its transaction are over when it goes on as if nothing had been. */
  async 'an instance that stands still'(application, _, random) {
    await application.pauseInstance(random.below(2), 11_000 + random.below(3000))
  },
  /**
   * Its partitions are another's, its transaction is still good: the other may begin only when that has ended, or it would
   * process once more what is then committed.
   */
  async 'an instance that stands still with committed offsets'(application) {
    if (application.isTransactional) await application.pauseSecondBeforeEndOfTransaction(BEYOND_SESSION_MS)
  },
  async 'an orderly restart of the broker'(_, broker, random) {
    await broker.stop()
    await sleep(random.below(500))
    await broker.start()
  },
}

/** Something is killed at a random moment of each round. The first rounds do each once, in the order above. */
export function disturbed(options: ScenarioOptions, guarantee: Guarantee): Promise<void> {
  const names = Object.keys(DISTURBANCES)
  return run(options, guarantee, async (application, broker, random) => {
    const patienceMs = options.target === 'kafka' ? KAFKA_PATIENCE_MS : PROGRESS_PATIENCE_MS
    await application.waitForProgress(patienceMs)
    for (let round = 1; round <= options.rounds; round++) {
      await sleep(1000 + random.below(3000))
      const name = names[round <= names.length ? round - 1 : random.below(names.length)]!
      options.say(`round ${round}: ${name} (${application.outputSeen} records seen of ${application.outputExpected})`)
      await DISTURBANCES[name]!(application, broker, random)
      // Some come before the application has got over the last one, some when it has.
      if (random.below(2) === 0) await application.waitForProgress(patienceMs)
    }
    await sleep(1000)
  })
}
