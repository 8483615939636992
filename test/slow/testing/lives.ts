import { Kafka, logLevel } from 'kafkajs'
import { startBroker } from '../../../src/index.ts'

/**
 * Many brokers one after the other, and one that is reset many times, in one process; prints what is left of it as
 * JSON. Ends by itself only if nothing is left that keeps a process alive.
 */

interface Left {
  readonly bytes: number
  /** Of each kind, how many keep the process alive. */
  readonly handles: Readonly<Record<string, number>>
}

const [what, times] = [process.argv[2], Number(process.argv[3])]
/** What the runtime loads and compiles once is there by then. */
const SETTLED_AFTER = 50

function left(): Left {
  const collect = globalThis.gc
  if (collect === undefined) throw new Error('run with --expose-gc')
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  const handles: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1
  return { bytes: heapUsed + external, handles }
}

const clientOf = (bootstrapServers: string) =>
  new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING, retry: { initialRetryTime: 1 } })

/** Handles of closed sockets are gone a few turns later. */
const quiet = () => new Promise<void>((resolve) => setTimeout(resolve, 50))

async function startAndStop(): Promise<void> {
  const broker = await startBroker({ topics: ['t'] })
  const producer = clientOf(broker.bootstrapServers).producer()
  await producer.connect()
  await producer.send({ topic: 't', messages: [{ value: 'v' }] })
  await producer.disconnect()
  await broker.close()
}

async function starts(): Promise<[Left, Left]> {
  for (let count = 0; count < SETTLED_AFTER; count++) await startAndStop()
  await quiet()
  const before = left()
  for (let count = SETTLED_AFTER; count < times; count++) await startAndStop()
  await quiet()
  return [before, left()]
}

async function resets(): Promise<[Left, Left]> {
  const broker = await startBroker({ topics: ['t'] })
  const producer = clientOf(broker.bootstrapServers).producer()
  await producer.connect()
  const names = Array.from({ length: 10 }, (_, index) => `more-${index}`)
  const round = async () => {
    await broker.createTopics(names)
    await producer.send({ topic: 't', messages: [{ value: Buffer.alloc(1000) }] })
    await broker.reset()
  }
  for (let count = 0; count < SETTLED_AFTER; count++) await round()
  await quiet()
  const before = left()
  for (let count = SETTLED_AFTER; count < times; count++) await round()
  await quiet()
  const after = left()
  await producer.disconnect()
  await broker.close()
  return [before, after]
}

const [before, after] = await (what === 'starts' ? starts() : resets())
process.stdout.write(`${JSON.stringify({ before, after })}\n`)
