import assert from 'node:assert/strict'
import { eventually } from '../process.ts'
import { failsWithOrLocally, failureOf, type Scenario } from '../scenario.ts'
import { newTopic, record } from './records.ts'
import { FENCED, TransactionalProducer, visibleInFirst, visibleValues } from './transactional-producer.ts'

const OPERATIONS = ['initTransactions', 'beginTransaction', 'produceInTransaction', 'endTransaction'] as const
/** Looked for once per second, as the suite starts its brokers. */
const SHORT_TIMEOUT_MS = 2_000

/** Producers and brokers that fail in the middle of a transaction. */
export const transactionFailureScenarios: readonly Scenario[] = [
  {
    name: 'transaction-fenced-by-its-successor',
    fixture: 'shared',
    operations: OPERATIONS,
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'fenced', 2)
      const transactionalId = context.unique('id')
      const old = await TransactionalProducer.init(await context.startClient(), transactionalId)
      await old.run(topic, [record('of before')])
      await old.begin()
      await old.send(topic, [record('left open')])
      const successor = await TransactionalProducer.init(client, transactionalId)
      // What was open is aborted before the successor can begin: nobody is held back any more.
      assert.deepEqual(await visibleInFirst(client, topic), ['of before'])
      const attempt = old.send(topic, [record('too late', { partition: 1 })]).then(() => old.commit())
      await failsWithOrLocally(FENCED, attempt)
      await old.abort().catch(() => undefined)
      await failureOf(old.run(topic, [record('far too late')]))
      await successor.run(topic, [record('of the successor')])
      await successor.close()
      assert.deepEqual(await visibleValues(client, topic, [0, 1]), [['of before', 'of the successor'], []])
    },
  },
  {
    name: 'transaction-timed-out',
    fixture: 'shared',
    operations: OPERATIONS,
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'slow')
      const options = { transactionTimeoutMs: SHORT_TIMEOUT_MS }
      const producer = await TransactionalProducer.init(await context.startClient(), context.unique('id'), options)
      await producer.run(topic, [record('in time')])
      await producer.begin()
      await producer.send(topic, [record('timed out')])
      // Readable up to a record behind it: the broker has aborted it by itself.
      assert.deepEqual(await visibleInFirst(client, topic), ['in time'])
      const { message } = await failureOf(producer.commit())
      context.note(`commit: ${message.split('\n')[0]}`)
      await recover(producer, topic, (text) => context.note(text))
      assert.deepEqual(await visibleInFirst(client, topic), ['in time', 'recovered'])
    },
  },
  {
    name: 'transaction-through-a-killed-broker',
    fixture: 'restarted',
    operations: OPERATIONS,
    async run(context) {
      const topic = await newTopic(context, 'killed', 2)
      const open = await TransactionalProducer.init(context.client, context.unique('open'))
      const done = await TransactionalProducer.init(context.client, context.unique('done'))
      const dead = await context.startClient()
      const deadId = context.unique('dead')
      const orphan = await TransactionalProducer.init(dead, deadId)
      await done.run(topic, [record('committed before')])
      await done.run(topic, [record('aborted before')], 'abort')
      await orphan.begin()
      await orphan.send(topic, [record('orphaned', { partition: 1 })])
      await open.begin()
      await open.send(topic, [record('before the restart')])
      // Acknowledged, and its markers may be on their way.
      await done.run(topic, [record('committed just before', { partition: 1 })])
      await context.restartBroker('kill', () => dead.kill())
      // Its transaction is open still: it goes on, or the client gives it up and says so.
      const ended = await finishOrGiveUp(open, topic, (text) => context.note(text))
      const heir = await TransactionalProducer.init(context.client, deadId)
      await heir.run(topic, [record('of the heir', { partition: 1 })])
      const witness = await context.startClient()
      const [first, second] = await visibleValues(witness, topic, [0, 1])
      assert.deepEqual(
        first,
        ended ? ['committed before', 'before the restart', 'behind the restart'] : ['committed before'],
      )
      assert.deepEqual(second, ['committed just before', 'of the heir'])
      for (const producer of [open, done, heir]) await producer.close()
    },
  },
]

/** Ends the open transaction behind a restart; false when the client has given it up. */
async function finishOrGiveUp(
  producer: TransactionalProducer,
  topic: string,
  note: (text: string) => void,
): Promise<boolean> {
  const outcome = await producer
    .send(topic, [record('behind the restart')])
    .then(() => producer.commit().then(() => undefined))
    .catch((error: Error) => error)
  if (outcome === undefined) return true
  note(`gave up its transaction: ${outcome.message.split('\n')[0]}`)
  await producer.abort().catch(() => undefined)
  // Its successor aborts what is open, if anything is.
  await (await producer.renew()).close()
  return false
}

/** What the documentation of each client asks for: abort and begin again, or another producer with the same id. */
async function recover(producer: TransactionalProducer, topic: string, note: (text: string) => void): Promise<void> {
  const again = await producer
    .abort()
    .then(() => producer.run(topic, [record('recovered')]))
    .then(
      () => true,
      () => false,
    )
  note(again ? 'goes on behind an abort' : 'another producer with the same id goes on')
  if (again) {
    await producer.close()
    return
  }
  const next = await eventually('the id can be registered again', 30_000, () => producer.renew())
  await next.run(topic, [record('recovered')])
  await next.close()
}
