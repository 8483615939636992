import { Admin } from './admin.ts'
import { CommittedReader } from './committed-reader.ts'
import { planOf } from './plan.ts'
import { Transactor } from './transactor.ts'
import { World } from './world.ts'

const TOPIC = 'transactions'
const PARTITIONS = 3
/** Both outcomes, several partitions and offsets are among so many. */
const TRANSACTIONS = 4
const MOST_STEPS = 200_000

export interface Crash {
  readonly seed: number
  readonly generation: 1 | 2
  readonly how: 'kill' | 'power'
  /** The disk operation at which the broker dies, counted from the first request of the producer on. */
  readonly operation: number
}

/**
 * The same few transactions again, with a broker that dies at one disk operation and comes back; the producer repeats
 * what was not answered. Throws when a transaction is not whole afterwards. False when there was no such operation.
 */
export async function crashOnce({ seed, generation, how, operation }: Crash): Promise<boolean> {
  const world = new World({ seed, plan: { ...planOf(seed), diskFails: false }, fuseEnds: how })
  let isOver = false
  void world
    .spawn(() => story(world, generation, operation))
    .then(() => {
      isOver = true
    })
  for (let steps = 0; !isOver && world.violation === null; steps++) {
    await new Promise<void>((resolve) => void setImmediate(resolve))
    if (isOver || world.violation !== null) break
    if (!world.clock.step() || steps > MOST_STEPS) world.fail('nothing comes of it')
  }
  if (world.violation !== null) throw world.violation
  return world.counts.kills + world.counts.powerCuts > 0
}

async function story(world: World, generation: 1 | 2, operation: number): Promise<void> {
  await world.startBroker()
  await new Admin(world, 'admin', []).create(TOPIC, PARTITIONS)
  const options = { topic: TOPIC, partitions: PARTITIONS, generation, transactions: TRANSACTIONS }
  const transactor = new Transactor(world, 'transactor', options)
  world.process!.fuse.light(operation)
  await transactor.run()
  world.process?.fuse.light(Number.POSITIVE_INFINITY)
  const reader = new CommittedReader(world, 'reader', TOPIC, PARTITIONS)
  await reader.finish(new Map([[transactor.client.name, transactor.group]]))
}
