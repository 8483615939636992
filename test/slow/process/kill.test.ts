import kafkajs, { type Producer } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort, sleep } from '../../../compat-tests/process.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, endAll, withTimeout } from '../../support/process.ts'

const { Kafka, logLevel } = kafkajs
const KILLS = 5
const PARTITIONS = 4
const TOPIC = 'load'
const GROUP = 'readers'
/** The client tries until the broker is back. */
const RETRY = { retries: 200, initialRetryTime: 30, maxRetryTime: 200 }

/** Sends small batches to one partition, one after the other, and knows which were acknowledged and which only sent. */
class Load {
  readonly partition: number
  readonly acknowledged: number[] = []
  sent = 0

  constructor(partition: number) {
    this.partition = partition
  }

  async run(producer: Producer, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const numbers = Array.from({ length: 1 + (this.sent % 7) }, () => this.sent++)
      const messages = numbers.map((number) => ({ partition: this.partition, value: String(number) }))
      await producer.send({ topic: TOPIC, acks: -1, messages })
      this.acknowledged.push(...numbers)
    }
  }
}

/** Commits 1, 2, 3 … for a group without members; survives the end of its broker. */
class Committer {
  acknowledged = 0
  sent = 0

  async run(port: number): Promise<void> {
    const client = await PlainClient.connect(port)
    try {
      for (;;) {
        await client.commit(GROUP, TOPIC, ++this.sent)
        this.acknowledged = this.sent
      }
    } catch (error) {
      // Killed in the middle of a request is what this test is about; any other refusal is not.
      if (!client.wire.hasEnded) throw error
    }
  }
}

describe('kill -9', () => {
  afterEach(endAll)

  it('loses nothing that kafkajs was told is there, stores nothing twice, and takes no commit back', async () => {
    const port = await freePort()
    let broker = await BrokerProcess.start({ port })
    const setup = await PlainClient.connect(port)
    await setup.createTopic(TOPIC, PARTITIONS)
    await setup.close()
    const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING, retry: RETRY })
    const producer = kafka.producer({ idempotent: true, retry: RETRY, maxInFlightRequests: 5 })
    await producer.connect()
    let over = false
    const loads = Array.from({ length: PARTITIONS }, (_, partition) => new Load(partition))
    const running = Promise.all(loads.map((load) => load.run(producer, () => over)))
    const acknowledged = () => loads.reduce((sum, load) => sum + load.acknowledged.length, 0)
    const committer = new Committer()

    for (let kill = 0; kill < KILLS; kill++) {
      const committing = committer.run(port)
      const enough = acknowledged() + 200 + kill * 37
      await Promise.race([
        running,
        withTimeout(
          60_000,
          'no progress',
          until(() => acknowledged() >= enough),
        ),
      ])
      await broker.end('SIGKILL')
      await committing
      broker = await BrokerProcess.start({ port, data: broker.data })
      const client = await PlainClient.connect(port)
      const committed = await client.committed(GROUP, TOPIC)
      expect(committed, `committed after kill ${kill + 1}`).toBeGreaterThanOrEqual(committer.acknowledged)
      expect(committed, `committed after kill ${kill + 1}`).toBeLessThanOrEqual(committer.sent)
      await client.close()
    }
    const enough = acknowledged() + 200
    await Promise.race([
      running,
      withTimeout(
        60_000,
        'no progress',
        until(() => acknowledged() >= enough),
      ),
    ])
    over = true
    await running
    await producer.disconnect()

    const client = await PlainClient.connect(port)
    for (const { partition, acknowledged, sent } of loads) {
      const stored = (await client.readAll(TOPIC, partition)).map(Number)
      // Every send was acknowledged in the end, after as many retries as it took: so all, once, in order.
      expect(acknowledged).toHaveLength(sent)
      expect(stored, `partition ${partition}`).toEqual(acknowledged)
    }
    expect(broker.stdout.split('\n')).toHaveLength(2)
    expect(broker.stderr).not.toMatch(/\n\s+at /)
  })
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}
