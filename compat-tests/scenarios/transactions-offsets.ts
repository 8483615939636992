import assert from 'node:assert/strict'
import type { CompatClient } from '../client.ts'
import { failsWithOrLocally, type Scenario, type ScenarioContext } from '../scenario.ts'
import { balanced, Member, receivedAll } from './membership.ts'
import { allPartitions, decoded, newTopic, numbered, produce, record } from './records.ts'
import { assertCommittedOffset, TransactionalProducer, visibleInFirst } from './transactional-producer.ts'

export const OFFSET_OPERATIONS = [
  'initTransactions',
  'beginTransaction',
  'produceInTransaction',
  'sendOffsets',
  'endTransaction',
  'join',
  'news',
  'fetchOffsets',
] as const

/** A member that reads one topic, and a producer that writes to another what it has read, offsets included. */
export class Pipeline {
  readonly member: Member
  producer: TransactionalProducer
  readonly group: string
  readonly input: string
  readonly output: string

  private constructor(
    member: Member,
    producer: TransactionalProducer,
    place: { group: string; input: string; output: string },
  ) {
    this.member = member
    this.producer = producer
    this.group = place.group
    this.input = place.input
    this.output = place.output
  }

  static async start(
    client: CompatClient,
    name: string,
    place: { group: string; input: string; output: string; transactionalId: string },
  ): Promise<Pipeline> {
    const transactionalId = place.transactionalId
    const processedBy = {
      producer: transactionalId,
      transactionalId,
      transactionTimeoutMs: 60_000,
      codec: 'none',
    } as const
    const member = await Member.join(client, name, {
      group: place.group,
      topics: [place.input],
      committedOnly: true,
      processedBy,
    })
    const producer = await TransactionalProducer.init(client, transactionalId)
    return new Pipeline(member, producer, place)
  }

  async received(values: readonly string[]): Promise<void> {
    await receivedAll([this.member], values)
  }

  /** Begins a transaction with an output for each input and the offset behind the last one. */
  async process(values: readonly string[]): Promise<void> {
    await this.received(values)
    await this.producer.begin()
    await this.producer.send(
      this.output,
      values.map((value) => record(`${value} by ${this.member.name}`)),
    )
    await this.sendOffset()
  }

  async sendOffset(): Promise<void> {
    const offset = Math.max(...this.member.received.map((each) => each.offset)) + 1
    await this.producer.sendOffsets(this.member.name, this.group, [{ topic: this.input, partition: 0, offset }])
  }
}

async function topics(
  context: ScenarioContext,
  partitions = 1,
): Promise<{ group: string; input: string; output: string }> {
  const [input, output] = [await newTopic(context, 'input', partitions), await newTopic(context, 'output')]
  return { group: context.unique('group'), input, output }
}

async function feed({ client }: ScenarioContext, topic: string, prefix: string, count: number): Promise<string[]> {
  const records = numbered(`${prefix} `, 0, count)
  await produce(client, topic, records)
  return records.map(({ value }) => decoded(value) ?? '')
}

export const transactionOffsetScenarios: readonly Scenario[] = [
  {
    name: 'transaction-consume-transform-produce',
    fixture: 'shared',
    operations: OFFSET_OPERATIONS,
    async run(context) {
      const place = await topics(context)
      const { group, input, output } = place
      const other = await context.startClient()
      const pipeline = await Pipeline.start(other, 'a', { ...place, transactionalId: context.unique('id') })
      await balanced([pipeline.member], [{ topic: input, partition: 0 }])
      const first = await feed(context, input, 'first', 5)
      await pipeline.process(first)
      await pipeline.producer.commit()
      await assertCommittedOffset(context, group, input, 5)
      const second = await feed(context, input, 'second', 5)
      await pipeline.process(second)
      await pipeline.producer.abort()
      // The offsets of a transaction that is not over count for nobody, and then the process dies.
      await assertCommittedOffset(context, group, input, 5)
      await other.kill()

      const successor = await Pipeline.start(context.client, 'b', { ...place, transactionalId: context.unique('id') })
      await pipelineContinues(successor, second)
      await successor.producer.commit()
      await assertCommittedOffset(context, group, input, 10)
      await successor.member.leave()
      await successor.producer.close()
      const expected = [...first.map((value) => `${value} by a`), ...second.map((value) => `${value} by b`)]
      assert.deepEqual(await visibleInFirst(context.client, output), expected)
    },
  },
  {
    name: 'transaction-of-an-old-generation',
    fixture: 'shared',
    operations: [...OFFSET_OPERATIONS, 'holdGeneration'],
    features: ['sends-generations-in-transactions'],
    async run(context) {
      const { client } = context
      // A second partition for the second member.
      const place = await topics(context, 2)
      const { group, input, output } = place
      const pipeline = await Pipeline.start(client, 'a', { ...place, transactionalId: context.unique('id') })
      await balanced([pipeline.member], allPartitions(input, 2))
      const values = await feed(context, input, 'input', 3)
      await receivedAll([pipeline.member], values)
      await pipeline.producer.begin()
      await pipeline.producer.send(output, [record('of an old generation')])
      await client.call('holdGeneration', { member: 'a' })
      const second = await context.startClient()
      const b = await Member.join(second, 'b', { group, topics: [input], committedOnly: true })
      await balanced([pipeline.member, b], allPartitions(input, 2))
      // Error 22 ILLEGAL_GENERATION; some clients make an exception of their own of it.
      const attempt = pipeline.sendOffset().then(() => pipeline.producer.commit())
      await failsWithOrLocally(22, attempt)
      await pipeline.producer.abort().catch((error: Error) => context.note(`nothing left to abort: ${error.message}`))
      await assertCommittedOffset(context, group, input, -1)
      assert.deepEqual(await visibleInFirst(client, output), [])
      await pipeline.member.leave()
      await pipeline.producer.close()
    },
  },
]

/** It begins exactly behind what was committed. */
async function pipelineContinues(pipeline: Pipeline, values: readonly string[]): Promise<void> {
  await pipeline.process(values)
  const received = pipeline.member.received.map(({ value }) => decoded(value))
  assert.deepEqual(received, values, 'no record that was processed before, and none left out')
}
