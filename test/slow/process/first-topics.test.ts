import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, endAll, filesIn, type StartOptions, temporaryFolder } from '../../support/process.ts'

const TOPIC = 2

async function partitionCounts(broker: BrokerProcess, ...topics: string[]): Promise<(number | null)[]> {
  const client = await PlainClient.connect(broker.port)
  const counts: (number | null)[] = []
  for (const topic of topics) counts.push(await client.partitionCount(topic))
  await client.close()
  return counts
}

async function cleanupPolicy(broker: BrokerProcess, topic: string): Promise<string | null | undefined> {
  const client = await PlainClient.connect(broker.port)
  const resources = [{ resourceType: TOPIC, resourceName: topic, configurationKeys: ['cleanup.policy'] }]
  const { results } = await client.wire.send(DescribeConfigs, 4, { resources })
  await client.close()
  return results[0]?.configs[0]?.value
}

function topicsFile(content: string): string {
  const file = path.join(temporaryFolder(), 'topics.json')
  writeFileSync(file, content)
  return file
}

describe('topics at the start', () => {
  afterEach(endAll)

  it('KAFKA_CREATE_TOPICS, as wurstmeister/kafka takes it', async () => {
    const broker = await BrokerProcess.start({
      env: { KAFKA_CREATE_TOPICS: 'a:3:1:compact,b:2:3, c', KAFKA_NUM_PARTITIONS: '4' },
    })
    expect(await partitionCounts(broker, 'a', 'b', 'c', 'd')).toEqual([3, 2, 4, null])
    expect(await cleanupPolicy(broker, 'a')).toBe('compact')
    expect(broker.stderr).toContain('topic b gets 1 of 3 replicas')
    expect(broker.stderr).toContain('topics created, with their partitions: a (3), b (2), c (4)')
  })

  it('--topic, as often as there are topics, and a file', async () => {
    const file = topicsFile(
      '[{ "name": "a", "partitions": 9 }, { "name": "c", "configs": { "cleanup.policy": "compact,delete" } }]',
    )
    const args = ['--topic', 'a:2', '-t', 'b', '--set', `odradek.topics.file=${file}`]
    const broker = await BrokerProcess.start({ args })
    expect(await partitionCounts(broker, 'a', 'b', 'c')).toEqual([2, 1, 1])
    expect(await cleanupPolicy(broker, 'c')).toBe('compact,delete')
  })

  it('with HTTP they come back at a reset', async () => {
    const broker = await BrokerProcess.start({ args: ['--topic', 'a:2:3', '--http', ':0'] })
    expect(await partitionCounts(broker, 'a')).toEqual([2])
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(broker.stderr)![0]
    expect((await fetch(`${url}/reset`, { method: 'POST' })).ok).toBe(true)
    expect(await partitionCounts(broker, 'a')).toEqual([2])
  })

  it('several brokers hold as many replicas as are asked for', async () => {
    const broker = await BrokerProcess.start({ args: ['--topic', 'a:1:3', '--brokers', '3'] })
    expect(await partitionCounts(broker, 'a')).toEqual([1])
    expect(broker.stderr).not.toContain('replicas')
  })

  it('one that is there already stays as it is, and a line says how it differs', async () => {
    const first = await BrokerProcess.start({ args: ['--topic', 'a:3:1:compact', '--topic', 'same:1'] })
    await first.end('SIGTERM')
    const topics = ['--topic', 'a:5:1:delete', '--topic', 'same:1', '--topic', 'new']
    const broker = await BrokerProcess.start({ data: first.data, args: topics })
    expect(await partitionCounts(broker, 'a', 'same', 'new')).toEqual([3, 1, 1])
    expect(await cleanupPolicy(broker, 'a')).toBe('compact')
    expect(broker.stderr).toContain(
      'topic a stays as it is: it has 3 partitions instead of 5, cleanup.policy compact instead of delete',
    )
    expect(broker.stderr).not.toContain('topic same stays')
  })

  it.each<[string, StartOptions, RegExp]>([
    [
      'a specification that is none',
      { args: ['--topic', 'a:many'] },
      /--topic a:many: .*NAME\[:PARTITIONS.*many is no number/,
    ],
    ['one of the environment', { env: { KAFKA_CREATE_TOPICS: 'b,a:0' } }, /'a:0' is not of the form NAME\[:PARTITIONS/],
    [
      'a name that no topic can have',
      { args: ['--topic', 'a/b'] },
      /topic a\/b, to be created at the start: .*other than ASCII/,
    ],
    ['a setting that topics do not have', { args: ['--topic', 'a:1:1:colour=red'] }, /topic a, .*colour/],
    ['a value that does not fit', { args: ['--topic', 'a:1:1:retention.ms=soon'] }, /topic a, .*soon.*retention\.ms/],
    [
      'a file that is not there',
      { args: ['--set', 'odradek.topics.file=/nowhere.json'] },
      /there is no file \/nowhere\.json/,
    ],
    ['a folder', { args: ['--set', 'odradek.topics.file=/'] }, /odradek\.topics\.file \/: it is a folder/],
  ])('%s is an error, and nothing is started', async (_, options, message) => {
    const data = path.join(temporaryFolder(), 'data')
    const { code, stdout, stderr } = await BrokerProcess.run({ ...options, data })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(filesIn(path.dirname(data))).toEqual([])
  })
})
