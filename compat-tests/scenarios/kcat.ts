import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endProcess, endWithUs, eventually, onText, runToEnd, sleep } from '../process.ts'
import { differs, type Scenario, type ScenarioContext, settled } from '../scenario.ts'
import { SESSION_TIMEOUT_MS } from './membership.ts'
import { endOffset, newTopic, numbered, payload, produce } from './records.ts'

/** kcat writes and reads here; what it cannot do, such as creating a topic, the client of the context does. */
async function kcat(context: ScenarioContext, args: readonly string[], input: string | Buffer = ''): Promise<string> {
  const { code, stdout, stderr } = await runToEnd('kcat', ['-b', context.bootstrap, '-m', '15', ...args], { input })
  assert.equal(code, 0, `kcat ${args.join(' ')}: exit code ${code}\n${stdout.slice(-500)}\n${stderr.slice(-1_000)}`)
  return stdout
}

interface Envelope {
  partition: number
  offset: number
  ts: number
  key: string | null
  payload: string | null
  headers?: string[]
}

async function consume(context: ScenarioContext, topic: string, ...args: string[]): Promise<Envelope[]> {
  const output = await kcat(context, ['-C', '-q', '-J', '-e', '-t', topic, ...args])
  const lines = output.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Envelope)
}

interface Metadata {
  brokers: { id: number; name: string }[]
  controllerid: number
  topics: {
    topic: string
    error?: string
    partitions: { partition: number; leader: number; isrs: { id: number }[] }[]
  }[]
}

/** kcat as a member of a group, printing what it receives. */
class KcatMember {
  readonly values: string[] = []
  readonly #child: ReturnType<typeof spawn>
  #log = ''
  #unread = ''

  constructor(context: ScenarioContext, group: string, topic: string) {
    const options = [
      `session.timeout.ms=${SESSION_TIMEOUT_MS}`,
      'heartbeat.interval.ms=500',
      'auto.offset.reset=earliest',
    ]
    const settings = [...options, 'auto.commit.interval.ms=200', 'fetch.wait.max.ms=100'].flatMap((each) => [
      '-X',
      each,
    ])
    const args = ['-b', context.bootstrap, ...settings, '-u', '-f', '%s\\n', '-G', group, topic]
    this.#child = spawn('kcat', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    endWithUs(this.#child)
    onText(this.#child.stdout, (text) => {
      const lines = (this.#unread + text).split('\n')
      this.#unread = lines.pop() ?? ''
      this.values.push(...lines)
    })
    onText(this.#child.stderr, (text) => {
      this.#log += text
    })
  }

  /** Partitions it says it was given last. */
  get owned(): number {
    const last = this.#log.split('\n').findLast((line) => line.includes('rebalanced'))
    if (last === undefined || !last.includes('assigned:')) return 0
    return [...(last.split('assigned:')[1] ?? '').matchAll(/\[\d+\]/g)].length
  }

  end(signal: NodeJS.Signals): Promise<void> {
    return endProcess(this.#child, signal, 10_000)
  }
}

async function owning(members: readonly KcatMember[], counts: readonly number[]): Promise<void> {
  await eventually(`the members own ${counts.join(' and ')} partitions`, 40_000, async () =>
    members.every(({ owned }, index) => owned === counts[index]) ? true : undefined,
  )
}

async function received(members: readonly KcatMember[], wanted: readonly string[]): Promise<void> {
  await eventually('everything was received', 30_000, async () => {
    const seen = new Set(members.flatMap(({ values }) => values))
    return wanted.every((value) => seen.has(value)) ? true : undefined
  })
}

export const kcatScenarios: Scenario[] = [
  {
    name: 'kcat-metadata',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'listed', 3)
      const all = JSON.parse(await kcat(context, ['-L', '-J'])) as Metadata
      assert.equal(all.brokers[0]?.name, context.bootstrap)
      assert.equal(all.controllerid, all.brokers[0]?.id)
      const found = all.topics.find((each) => each.topic === topic)
      const leader = all.brokers[0]?.id
      assert.deepEqual(
        found?.partitions.map((each) => [each.partition, each.leader, each.isrs.map(({ id }) => id)]),
        [0, 1, 2].map((partition) => [partition, leader, [leader]]),
      )
      // kcat lets the broker create a topic it asks about by name.
      const asked = context.unique('asked-for')
      const answer = JSON.parse(await kcat(context, ['-L', '-J', '-t', asked])) as Metadata
      const error = differs(context, {
        kafka: 'Broker: Unknown topic or partition',
        odradek: undefined,
        why: 'the Metadata request that creates a topic is answered when it is there, not with error 3 before',
      })
      assert.equal(answer.topics[0]?.error, error)
      await settled(context, 'the topic was created', async () =>
        (await context.client.call('listTopics', {})).names.includes(asked) ? true : undefined,
      )
    },
  },
  ...['none', 'gzip', 'snappy', 'lz4', 'zstd'].map(
    (codec): Scenario => ({
      name: `kcat-round-trip-${codec}`,
      fixture: 'shared',
      async run(context) {
        const topic = await newTopic(context, `kcat-${codec}`)
        const lines = Array.from({ length: 500 }, (_, index) => `key ${index}|value ${index} ${'x'.repeat(index)}`)
        const headers = ['-H', 'first=1', '-H', 'second=two']
        const args = ['-P', '-t', topic, '-p', '0', '-z', codec, '-K', '|', '-Z', ...headers]
        await kcat(context, args, `${lines.join('\n')}\nno value|\n`)
        const found = await consume(context, topic, '-o', 'beginning')
        assert.equal(found.length, 501)
        assert.deepEqual(found[500]?.payload, null)
        for (const [index, line] of lines.entries()) {
          assert.equal(`${found[index]?.key}|${found[index]?.payload}`, line)
          assert.equal(found[index]?.offset, index)
          assert.deepEqual(found[index]?.headers, ['first', '1', 'second', 'two'])
        }
      },
    }),
  ),
  {
    name: 'kcat-large-and-idempotent',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'kcat-large')
      const folder = mkdtempSync(join(tmpdir(), 'odradek-compat-kcat-'))
      try {
        const file = join(folder, 'large')
        writeFileSync(file, payload(900_000, 5))
        const limit = ['-X', 'message.max.bytes=4000000']
        await kcat(context, [
          '-P',
          '-t',
          topic,
          '-p',
          '0',
          '-z',
          'lz4',
          '-X',
          'enable.idempotence=true',
          ...limit,
          file,
        ])
        const [found] = await consume(context, topic, '-o', 'beginning')
        assert.equal(found?.payload, payload(900_000, 5))
        const many = Array.from({ length: 3_000 }, (_, index) => `n${index}`)
        await kcat(context, ['-P', '-t', topic, '-p', '0', '-X', 'enable.idempotence=true'], `${many.join('\n')}\n`)
        const rest = await consume(context, topic, '-o', '1')
        assert.deepEqual(
          rest.map((each) => each.payload),
          many,
        )
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  },
  {
    name: 'kcat-positions-and-times',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'kcat-times')
      const start = Date.now() - 600_000
      const records = numbered('r', 0, 10).map((each, index) => ({ ...each, timestamp: start + index * 1_000 }))
      await produce(context.client, topic, records)
      const query = async (timestamp: number) => kcat(context, ['-Q', '-t', `${topic}:0:${timestamp}`])
      assert.match(await query(start + 2_500), /\[0\] offset 3$/m)
      assert.match(await query(start), /\[0\] offset 0$/m)
      // librdkafka shows "no such record" as the end (−1).
      assert.match(await query(start + 60_000), /\[0\] offset -1$/m)
      assert.match(await query(-2), /\[0\] offset 0$/m)
      assert.match(await query(-1), /\[0\] offset 10$/m)
      const values = async (...position: string[]) =>
        (await consume(context, topic, ...position)).map((each) => each.payload)
      assert.deepEqual(await values('-o', '7'), ['r7', 'r8', 'r9'])
      assert.deepEqual(await values('-o', '-2'), ['r8', 'r9'])
      assert.deepEqual(await values('-o', '4', '-c', '2'), ['r4', 'r5'])
      const span = await values('-o', `s@${start + 2_500}`, '-o', `e@${start + 5_500}`)
      assert.deepEqual(span, ['r3', 'r4', 'r5'])
    },
  },
  {
    name: 'kcat-unknown-topic',
    fixture: 'shared',
    async run(context) {
      const topic = context.unique('nowhere')
      const args = ['-b', context.bootstrap, '-C', '-e', '-t', topic]
      const { code, stderr } = await runToEnd('kcat', args, { timeoutMs: 30_000 })
      assert.equal(code, 1)
      assert.match(stderr, /Unknown topic or partition/)
      const { names } = await context.client.call('listTopics', {})
      assert.equal(names.includes(topic), false, 'consuming must not create the topic')
    },
  },
  {
    name: 'kcat-auto-creation',
    fixture: 'shared',
    async run(context) {
      const topic = context.unique('kcat-auto')
      await kcat(context, ['-P', '-t', topic], 'made by writing\n')
      assert.equal(await endOffset(context.client, topic, 0), 1)
    },
  },
  {
    name: 'kcat-group',
    fixture: 'shared',
    async run(context) {
      const topic = await newTopic(context, 'kcat-group', 4)
      const group = context.unique('group')
      const round = async (name: string) => {
        const values = Array.from({ length: 40 }, (_, index) => `${name} ${index}`)
        const records = values.flatMap((value, index) => numbered(value, 0, 1, { partition: index % 4 }))
        await produce(context.client, topic, records)
        return values.map((value) => `${value}0`)
      }
      const members = [new KcatMember(context, group, topic)]
      try {
        await owning(members, [4])
        const alone = await round('alone')
        await received(members, alone)
        members.push(new KcatMember(context, group, topic))
        await owning(members, [2, 2])
        const together = await round('together')
        await received(members, together)
        const [first, second] = members
        // Long enough for what was received to be committed.
        await sleep(1_000)
        await second?.end('SIGKILL')
        const after = await round('after a death')
        if (first === undefined) throw new Error('no first member')
        await owning([first], [4])
        await received([first], after)
        const all = [...members.flatMap(({ values }) => values)]
        assert.equal(new Set(all).size, alone.length + together.length + after.length)
      } finally {
        await Promise.all(members.map((member) => member.end('SIGTERM')))
      }
    },
  },
]
