import type { ConsumedRecord } from '../client/fetched-records.ts'
import type { GroupConsumer } from '../client/group-consumer.ts'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { Isolation } from '../client/list-offsets.ts'
import { brokerCommand } from './broker-command.ts'
import type { Given } from './command.ts'
import type { CommandIo } from './command-io.ts'
import { type LogPosition, POSITION_HELP, parsePosition, placeIn } from './log-position.ts'
import { FORMAT_HELP, parseFormat, type RecordFormat, valueLine } from './record-format.ts'
import { RECORD_JSON, recordToJson } from './record-json.ts'
import { existingTopic } from './topics/existing-topics.ts'
import { UsageError } from './usage-error.ts'

export const consume = brokerCommand({
  name: 'consume',
  about: 'print what is in a topic, up to where it ends now',
  arguments: 'TOPIC',
  argumentCompletes: 'topic',
  details:
    'With --group the group goes on where it has stopped, and remembers what was printed; --from then says where a group begins that has remembered nothing: beginning or end.',
  options: {
    from: { type: 'string', short: 'f', value: 'WHERE', about: `${POSITION_HELP} (default: beginning)` },
    partition: { type: 'string', short: 'p', value: 'N', about: 'only this partition; may be repeated', repeats: true },
    max: { type: 'string', short: 'n', value: 'N', about: 'end after so many records' },
    follow: { type: 'boolean', short: 'F', about: 'go on with what comes; Ctrl-C ends' },
    group: { type: 'string', short: 'g', value: 'GROUP', about: 'read as a member of this group', completes: 'group' },
    committed: { type: 'boolean', about: 'nothing of transactions that are open or aborted' },
    format: { type: 'string', value: 'FORMAT', about: FORMAT_HELP },
  },
  json: `one line each: ${RECORD_JSON}`,
  check: (given) => void settingsOf(given),
  async run(client, given, io) {
    const topic = given.single('the name of a topic')
    const settings = settingsOf(given)
    await existingTopic(client, topic)
    const printer = new Printer(io, settings)
    if (settings.group === undefined) await readAlone(client, topic, settings, printer, io)
    else await readInGroup(client, topic, settings, settings.group, printer, io)
    return 0
  },
})

interface Settings {
  readonly from: LogPosition
  readonly partitions: readonly number[] | null
  readonly max: number
  readonly follow: boolean
  readonly group: string | undefined
  readonly isolation: Isolation
  readonly format: RecordFormat
}

function settingsOf(given: Given): Settings {
  given.single('the name of a topic')
  if (given.has('json') && given.has('format')) throw new UsageError('--json and --format do not go together')
  const from = parsePosition('from', given.value('from') ?? 'beginning')
  const group = given.value('group')
  if (group !== undefined && from.kind !== 'earliest' && from.kind !== 'latest') {
    throw new UsageError('with --group, --from is beginning or end; odradek groups reset says where a group goes on')
  }
  if (group !== undefined && given.has('partition')) throw new UsageError('--group and --partition do not go together')
  const partitions = given.values('partition').map((text) => {
    if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--partition ${text}: give the number of a partition`)
    return Number(text)
  })
  return {
    from,
    partitions: partitions.length === 0 ? null : partitions,
    max: given.integer('max', 1) ?? Number.POSITIVE_INFINITY,
    follow: given.has('follow'),
    group,
    isolation: given.has('committed') ? 'read_committed' : 'read_uncommitted',
    format: formatOf(given),
  }
}

function formatOf(given: Given): RecordFormat {
  if (given.has('json')) return (record) => Buffer.from(`${recordToJson(record)}\n`)
  const format = given.value('format')
  return format === undefined ? valueLine : parseFormat(format)
}

/** Prints up to so many records. */
class Printer {
  readonly #io: CommandIo
  readonly #format: RecordFormat
  #left: number

  constructor(io: CommandIo, { format, max }: Settings) {
    this.#io = io
    this.#format = format
    this.#left = max
  }

  get isDone(): boolean {
    return this.#left <= 0
  }

  /** Gives those that were printed. */
  async print(records: readonly ConsumedRecord[]): Promise<readonly ConsumedRecord[]> {
    const printed = records.slice(0, this.#left)
    this.#left -= printed.length
    if (printed.length > 0) await this.#io.out(Buffer.concat(printed.map(this.#format)))
    return printed
  }
}

async function readAlone(
  client: KafkaClient,
  topic: string,
  settings: Settings,
  printer: Printer,
  io: CommandIo,
): Promise<void> {
  const { from, follow, isolation } = settings
  const all = (await existingTopic(client, topic)).partitions.map(({ partition }) => partition)
  const placed = await placeIn(client, topic, settings.partitions ?? all, from, isolation)
  const positions = placed.map(({ partition, offset, end }) => {
    return { topic, partition, offset, ...(follow ? {} : { endOffset: end }) }
  })
  const reading = client.recordBatches(positions, { isolation, signal: io.interrupted(), outOfRange: 'earliest' })
  for await (const records of reading) {
    await printer.print(records)
    if (printer.isDone) return
  }
}

async function readInGroup(
  client: KafkaClient,
  topic: string,
  { from, follow, isolation }: Settings,
  group: string,
  printer: Printer,
  io: CommandIo,
): Promise<void> {
  const consumer: GroupConsumer = client.groupConsumer({
    group,
    topics: [topic],
    from: from.kind === 'latest' ? 'latest' : 'earliest',
    untilEnd: !follow,
    isolation,
    signal: io.interrupted(),
  })
  try {
    for await (const records of consumer.batches()) {
      for (const record of await printer.print(records)) consumer.done(record)
      if (printer.isDone) break
    }
  } finally {
    await consumer.close()
  }
}
