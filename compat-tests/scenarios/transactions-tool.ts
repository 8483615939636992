import assert from 'node:assert/strict'
import { TransactionalProducer, transactionalId } from '../../test/wire/transactional-producer.ts'
import { type TestTopic, WireTest } from '../../test/wire/wire-test.ts'
import { Broker } from '../broker.ts'
import { eventually } from '../process.ts'
import type { Scenario, ScenarioContext } from '../scenario.ts'
import { dump, partitionFiles } from './dumped-files.ts'

const TOOL = 'org.apache.kafka.tools.TransactionsCommand'

/** The check that partitions belong to the transaction is what prevents a hanging one. */
const SETTINGS = { 'transaction.partition.verification.enable': 'false', 'transaction.state.log.num.partitions': '3' }
/** The records of these producers are ten minutes old. */
const OLDER_THAN_MINUTES = '5'

/** The tool's tables: cells by column, one object per row. */
function table(output: string): Record<string, string>[] {
  const [heading, ...lines] = output.split('\n').filter((line) => line.includes('\t'))
  const cells = (line: string) => line.split('\t').map((cell) => cell.trim())
  const names = cells(heading ?? '')
  return lines.map((line) => Object.fromEntries(cells(line).map((cell, at) => [names[at] ?? '', cell])))
}

class TransactionsTool {
  readonly #context: ScenarioContext
  readonly #bootstrap: string

  constructor(context: ScenarioContext, bootstrap: string) {
    this.#context = context
    this.#bootstrap = bootstrap
  }

  async run(...args: string[]): Promise<{ code: number; output: string; errors: string }> {
    const all = ['--bootstrap-server', this.#bootstrap, ...args]
    return this.#context.client.call('tool', { tool: TOOL, arguments: all, input: '' }, 120_000)
  }

  async table(...args: string[]): Promise<Record<string, string>[]> {
    const { code, output, errors } = await this.run(...args)
    assert.equal(code, 0, `${args.join(' ')}: exit code ${code}\n${output}\n${errors}`)
    return table(output)
  }
}

/** A write that no coordinator knows of: nobody will ever end it. */
async function hang(test: WireTest, topic: TestTopic): Promise<TransactionalProducer> {
  const producer = await TransactionalProducer.start(test, 1)
  const { errorCode, errorMessage } = await producer.send(topic, { version: 9 })
  assert.equal(errorCode, 0, `the write was refused: ${errorMessage}`)
  return producer
}

async function listAndDescribe(tool: TransactionsTool, test: WireTest, topic: TestTopic): Promise<void> {
  const open = await TransactionalProducer.writing(test, topic)
  const done = await TransactionalProducer.writing(test, topic)
  await done.finish(true)
  const states = (rows: Record<string, string>[]) =>
    Object.fromEntries(rows.map((row) => [row['TransactionalId'], row['TransactionState']]))
  const all = states(await tool.table('list'))
  assert.deepEqual([all[open.id], all[done.id]], ['Ongoing', 'CompleteCommit'])
  const alike = states(await tool.table('list', '--transactional-id-pattern', `${done.id}|nothing`))
  assert.deepEqual(alike, { [done.id]: 'CompleteCommit' })
  const lasting = states(await tool.table('list', '--duration-filter', '3600000'))
  assert.equal(lasting[open.id], undefined)
  const [described] = await tool.table('describe', '--transactional-id', open.id)
  assert.equal(described?.['ProducerId'], String(open.producerId))
  assert.equal(described?.['TransactionState'], 'Ongoing')
  assert.equal(described?.['TransactionTimeoutMs'], '60000')
  assert.equal(described?.['TopicPartitions'], `${topic.name}-0`)
  const unknown = await tool.run('describe', '--transactional-id', 'nobody')
  assert.equal(unknown.code, 1)
  assert.match(unknown.output + unknown.errors, /the ID could not be found/)
  await open.finish(false)
  const [aborted] = await tool.table('describe', '--transactional-id', open.id)
  assert.equal(aborted?.['TransactionState'], 'CompleteAbort')
}

async function findAndAbort(tool: TransactionsTool, test: WireTest, topic: TestTopic): Promise<void> {
  const hanging = await hang(test, topic)
  const where = ['--topic', topic.name, '--partition', '0']
  const row = async () => {
    const producers = await tool.table('describe-producers', ...where)
    return producers.find((one) => one['ProducerId'] === String(hanging.producerId))
  }
  const start = (await row())?.['CurrentTransactionStartOffset']
  assert.match(start ?? '', /^\d+$/)
  const find = ['find-hanging', '--topic', topic.name, '--max-transaction-timeout', OLDER_THAN_MINUTES]
  const [found, ...others] = await tool.table(...find)
  assert.deepEqual(others, [])
  assert.equal(found?.['ProducerId'], String(hanging.producerId))
  assert.equal(found?.['StartOffset'], start)
  const abort = await tool.run('abort', ...where, '--start-offset', start ?? '')
  assert.equal(abort.code, 0, `${abort.output}\n${abort.errors}`)
  assert.equal((await row())?.['CurrentTransactionStartOffset'], 'None')
  assert.deepEqual(await tool.table(...find), [])
}

async function terminate(tool: TransactionsTool, test: WireTest, topic: TestTopic): Promise<void> {
  const open = await TransactionalProducer.writing(test, topic)
  const { code, output, errors } = await tool.run('forceTerminateTransaction', '--transactionalId', open.id)
  assert.equal(code, 0, `${output}\n${errors}`)
  await eventually('the transaction to be ended', 20_000, async () => {
    const [described] = await tool.table('describe', '--transactional-id', open.id)
    return described?.['TransactionState'] === 'Ongoing' || described?.['TransactionState']?.startsWith('Prepare')
      ? undefined
      : true
  })
  assert.equal((await open.send(topic)).errorCode, 47, 'its producer is shut out')
}

/** Everything that lies in __transaction_state, as Kafka's own tool reads it. */
async function dumpStates(context: ScenarioContext, broker: Broker, expected: readonly string[]): Promise<void> {
  const logs = partitionFiles(broker.dataFolder)
    .filter(({ name }) => name.startsWith('__transaction_state-'))
    .flatMap(({ files }) => files.filter((file) => file.endsWith('.log')))
  const plain = await dump(context, logs, ['--deep-iteration'])
  const decoded = await dump(context, logs, ['--transaction-log-decoder'])
  for (const id of expected) assert.ok(decoded.includes(id), `${id} is not in\n${decoded.slice(0, 2000)}`)
  for (const state of [0, 1, 2, 3, 4, 5]) {
    assert.match(decoded, new RegExp(`"transactionStatus":${state}\\b`), `no record of state ${state}`)
  }
  const records = [...decoded.matchAll(/^\| offset: .*$/gm)].length
  assert.equal(records, [...plain.matchAll(/^\| offset: .*$/gm)].length)
  context.note(`${records} records of __transaction_state read by DumpLogSegments`)
}

async function live(context: ScenarioContext, broker: Broker): Promise<void> {
  await broker.start()
  const test = new WireTest({ kind: context.target, host: broker.host, port: broker.port })
  const ids: string[] = []
  try {
    const tool = new TransactionsTool(context, broker.bootstrap)
    const topic = await test.topic()
    await transactionalId(test)
    await listAndDescribe(tool, test, topic)
    await findAndAbort(tool, test, await test.topic())
    await terminate(tool, test, topic)
    const last = await TransactionalProducer.start(test)
    await last.finish(false)
    ids.push(last.id)
  } finally {
    test.end()
  }
  await broker.stop()
  await dumpStates(context, broker, ids)
}

export const transactionToolScenarios: Scenario[] = [
  {
    name: 'kafka-transactions',
    fixture: 'shared',
    async run(context) {
      const broker = new Broker(context.target, SETTINGS)
      try {
        await live(context, broker)
      } finally {
        await broker.dispose()
      }
    },
  },
]
