import { rmSync } from 'node:fs'
import path from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { startBroker } from '../../../src/index.ts'
import type { TestBroker } from '../../../src/testing/test-broker.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { temporaryFolder } from '../../support/process.ts'
import { expectSound, odradek } from '../process/backup-command.ts'

const GROUP = 'readers'
const TOPIC = 't'
const PARTITIONS = [0, 1, 2]

let running: TestBroker | null = null
afterEach(() => running?.close())

async function started(dataDirectory: string, brokers: number): Promise<TestBroker> {
  running = await startBroker({ dataDirectory, brokers })
  return running
}

async function stop(): Promise<void> {
  await running?.close()
  running = null
}

async function withClient<T>(broker: TestBroker, use: (client: Kafka) => Promise<T>): Promise<T> {
  const brokers = broker.bootstrapServers.split(',')
  const retry = { initialRetryTime: 20, retries: 20 }
  return use(new Kafka({ brokers, logLevel: logLevel.NOTHING, retry }))
}

/** A record in each partition, and an offset of the group for the first. */
async function write(broker: TestBroker, value: string, offset: number): Promise<void> {
  await withClient(broker, async (client) => {
    const producer = client.producer({ idempotent: true })
    await producer.connect()
    await producer.send({ topic: TOPIC, messages: PARTITIONS.map((partition) => ({ partition, value })) })
    await producer.disconnect()
  })
  await withCoordinator(broker, (client) => client.commit(GROUP, TOPIC, offset))
}

async function withCoordinator<T>(broker: TestBroker, ask: (client: PlainClient) => Promise<T>): Promise<T> {
  const alive = broker.brokers.find(({ state }) => state === 'running')!
  const first = await PlainClient.connect(Number(alive.address.split(':')[1]))
  const { port } = await first.wire.send(FindCoordinator, 3, { key: GROUP, keyType: 0 })
  await first.close()
  const client = await PlainClient.connect(port)
  const answer = await ask(client)
  await client.close()
  return answer
}

/** Values by partition, the committed offset, and who leads with which replicas. */
async function look(broker: TestBroker) {
  return withClient(broker, async (client) => {
    const admin = client.admin()
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] })
    await admin.disconnect()
    const values: string[][] = PARTITIONS.map(() => [])
    for await (const { partition, text } of broker.topic(TOPIC).messages()) values[partition]!.push(String(text))
    const partitions = [...topics[0]!.partitions].sort((a, b) => a.partitionId - b.partitionId)
    return {
      values,
      offset: await withCoordinator(broker, (plain) => plain.committed(GROUP, TOPIC)),
      leaders: partitions.map(({ leader }) => leader),
      replicas: partitions.map(({ replicas }) => replicas),
      inSync: partitions.map(({ isr }) => isr),
    }
  })
}

function all<T>(one: T): T[] {
  return PARTITIONS.map(() => one)
}

describe('a directory that was written by another number of brokers', () => {
  it('of three is served by one, and by three again, with every record and offset', async () => {
    const data = temporaryFolder()
    const three = await started(data, 3)
    await three.createTopics([{ name: TOPIC, partitions: 3 }])
    await write(three, 'by three', 1)
    expect(await look(three)).toMatchObject({ leaders: [1, 2, 3], replicas: [expect.anything(), [2, 3, 1], [3, 1, 2]] })
    await stop()
    expect(await expectSound(data)).toContain('(stopped in order)')

    const one = await started(data, 1)
    const alone = { leaders: all(1), replicas: all([1]), inSync: all([1]) }
    expect(await look(one)).toEqual({ values: all(['by three']), offset: 1, ...alone })
    await write(one, 'by one', 2)
    await stop()
    await expectSound(data)

    const again = await started(data, 3)
    // Topics keep the replicas that were left to them; new ones are spread.
    const values = all(['by three', 'by one'])
    expect(await look(again)).toEqual({ values, offset: 2, ...alone })
    await write(again, 'by three again', 3)
    expect((await look(again)).offset).toBe(3)
  })

  it('killed in the middle, with a broker away and another paused, is whole as well', async () => {
    const data = temporaryFolder()
    const three = await started(data, 3)
    await three.createTopics([{ name: TOPIC, partitions: 3 }])
    await write(three, 'by three', 1)
    await three.killBroker(2)
    await three.moveLeader(TOPIC, 0, 3)
    await write(three, 'by two', 2)
    three.pauseBroker(1)
    const copy = path.join(temporaryFolder(), 'copy')
    const { code } = await odradek('backup', data, copy)
    expect(code).toBe(0)
    await stop()
    rmSync(data, { recursive: true })
    await expectSound(copy)
    const seen = await look(await started(copy, 3))
    expect(seen).toMatchObject({ values: all(['by three', 'by two']), offset: 2, leaders: [1, 2, 3] })
    // Whoever is started is in sync: there is one log.
    expect(seen.inSync.map((ids) => [...ids].sort())).toEqual(all([1, 2, 3]))
  })
})
