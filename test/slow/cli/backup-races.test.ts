import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import type { FileSystem } from '../../../src/io/file-system.ts'
import { nodeFileSystem } from '../../../src/io/node-file-system.ts'
import { nodeProcessTable } from '../../../src/io/node-process-table.ts'
import { backUpDataDirectory } from '../../../src/metadata/backup-data-directory.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, endAll, temporaryFolder } from '../../support/process.ts'
import { expectSound } from '../process/backup-command.ts'

const TIMEOUT_MS = 10_000
const SETTINGS = ['offsets.topic.num.partitions=1', 'log.initial.task.delay.ms=0', 'log.cleaner.backoff.ms=20']
const ARGS = SETTINGS.flatMap((setting) => ['--set', setting])
/** Copied in this order. */
const TOPICS = ['a', 'b', 'c']

describe('while a running broker is backed up', () => {
  afterEach(endAll)

  it('a topic is deleted before its turn: the copy does not know it', async () => {
    const source = await startedSource()
    const copy = await backUpWhile(source, 'a', async (client) => {
      await deleteTopic(client, 'b')
    })
    await expectSound(copy)
    await onCopy(copy, async (client) => {
      expect(await client.readAll('a')).toEqual(['a 0', 'a 1'])
      expect(await client.partitionCount('b')).toBeNull()
      expect(await client.readAll('c')).toEqual(['c 0', 'c 1'])
    })
  })

  it('a topic is deleted after its turn: what was copied of it is not moved aside as nobody’s', async () => {
    const source = await startedSource()
    const copy = await backUpWhile(source, 'b', (client) => deleteTopic(client, 'a'))
    await expectSound(copy)
    await onCopy(copy, async (client) => {
      expect(await client.partitionCount('a')).toBeNull()
      expect(await client.readAll('c')).toEqual(['c 0', 'c 1'])
    })
    expect(nodeFileSystem.list(copy).filter((name) => name.endsWith('-stray'))).toEqual([])
  })

  it.each(['before', 'after'])('a topic gives way to another of its name %s its turn', async (when) => {
    const source = await startedSource()
    const name = when === 'before' ? 'b' : 'a'
    const copy = await backUpWhile(source, when === 'before' ? 'a' : 'b', async (client) => {
      await deleteTopic(client, name)
      await client.createTopic(name)
      await client.produce(name, ['new'])
    })
    await expectSound(copy)
    await onCopy(copy, async (client) => {
      // What was written to it since may be there. What the old one held may not.
      expect([[], ['new']]).toContainEqual(await client.readAll(name))
      expect(await client.produce(name, ['newer'])).toBeLessThanOrEqual(1)
    })
  })

  it('a topic is created: it is there, empty or not', async () => {
    const source = await startedSource()
    const copy = await backUpWhile(source, 'a', async (client) => {
      await client.createTopic('created', 3)
      await client.produce('created', ['one'])
    })
    await expectSound(copy)
    await onCopy(copy, async (client) => {
      if ((await client.partitionCount('created')) !== null) {
        expect([[], ['one']]).toContainEqual(await client.readAll('created'))
      }
      await client.createTopic('later')
    })
  })
})

/** Its checkpoints know all topics: it was stopped once. */
async function startedSource(): Promise<BrokerProcess> {
  const first = await BrokerProcess.start({ args: ARGS })
  const client = await PlainClient.connect(first.port)
  for (const topic of TOPICS) {
    await client.createTopic(topic)
    await client.produce(topic, [`${topic} 0`, `${topic} 1`])
    await client.commit('readers', topic, 2)
  }
  await client.close()
  expect(await first.end('SIGTERM')).toMatchObject({ code: 0 })
  return BrokerProcess.start({ data: first.data, args: ARGS })
}

/** Backs up, and lets something happen right after the copy of a topic. */
async function backUpWhile(
  source: BrokerProcess,
  after: string,
  work: (client: PlainClient) => Promise<void>,
): Promise<string> {
  const copy = path.join(temporaryFolder(), 'copy')
  const client = await PlainClient.connect(source.port)
  let reached = 0
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    async syncDirectory(directory) {
      await nodeFileSystem.syncDirectory(directory)
      if (directory === path.join(copy, `${after}-0`) && reached++ === 0) await work(client)
    },
  }
  await backUpDataDirectory({
    fileSystem,
    directory: source.data,
    destination: copy,
    processes: nodeProcessTable,
    pause: () => new Promise((resolve) => setTimeout(resolve, 5)),
  })
  expect(reached, `copies of ${after}`).toBeGreaterThan(0)
  await client.close()
  return copy
}

async function onCopy(copy: string, check: (client: PlainClient) => Promise<void>): Promise<void> {
  const broker = await BrokerProcess.start({ data: copy, args: ARGS })
  const client = await PlainClient.connect(broker.port)
  await check(client)
  await client.close()
  expect(await broker.end('SIGTERM')).toMatchObject({ code: 0 })
  expect(broker.stderr.split('\n').filter((line) => /"level":[456]0/.test(line))).toEqual([])
  await expectSound(copy)
}

async function deleteTopic(client: PlainClient, name: string): Promise<void> {
  const { responses } = await client.wire.send(DeleteTopics, 5, { topicNames: [name], timeoutMs: TIMEOUT_MS })
  expect(responses[0]!.errorCode).toBe(0)
}
