import type { KafkaClient } from '../client/kafka-client.ts'
import type { Compression, ProducedRecord, ProduceOptions } from '../client/producer.ts'
import { brokerCommand, printJson } from './broker-command.ts'
import type { Given } from './command.ts'
import { CommandError } from './command-error.ts'
import type { CommandIo } from './command-io.ts'
import { inputLines } from './input-lines.ts'
import { ProgressLine } from './progress-line.ts'
import { recordFromJson } from './record-json.ts'
import { counted } from './table.ts'
import { UsageError } from './usage-error.ts'

const ACKS = { all: -1, '1': 1, '0': 0 } as const
const COMPRESSIONS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export const produce = brokerCommand({
  name: 'produce',
  about: 'send each line of standard input as a record',
  arguments: 'TOPIC',
  argumentCompletes: 'topic',
  details:
    'With --json each line is an object as `odradek consume --json` prints it, of which only value is needed: {"key": "k", "value": "v", "headers": {"h": "x"}, "partition": 0, "timestamp": 0}; what is no UTF-8 goes into keyBase64 and valueBase64. A topic that does not exist is made where the broker makes topics.',
  options: {
    'key-separator': { type: 'string', short: 'k', value: 'TEXT', about: 'a line is a key, this, and the value' },
    header: {
      type: 'string',
      short: 'H',
      value: 'NAME=VALUE',
      about: 'a header of every record; may be repeated',
      repeats: true,
    },
    partition: {
      type: 'string',
      short: 'p',
      value: 'N',
      about: 'to this partition instead of the one that the key leads to',
    },
    compression: {
      type: 'string',
      short: 'z',
      value: 'CODEC',
      about: `${COMPRESSIONS.join(', ')} (default: none)`,
      completes: COMPRESSIONS,
    },
    acks: {
      type: 'string',
      value: 'all|1|0',
      about: 'when a record counts as sent (default: all)',
      completes: Object.keys(ACKS),
    },
  },
  json: '{ topic: string, records: number, partitions: { partition: number, records: number }[] }',
  check: (given) => void settingsOf(given),
  async run(client, given, io) {
    const topic = given.single('the name of a topic')
    const settings = settingsOf(given)
    if (io.inputIsTerminal) io.err(`One record per line; Ctrl-D ends.\n`)
    const counts = await sendLines(client, topic, settings, io)
    const records = [...counts.values()].reduce((sum, count) => sum + count, 0)
    if (given.has('json')) {
      const partitions = [...counts].map(([partition, count]) => ({ partition, records: count }))
      partitions.sort((a, b) => a.partition - b.partition)
      await printJson(io, { topic, records, partitions })
    } else {
      io.err(`${counted(records, 'record')} to ${topic}\n`)
    }
    return 0
  },
})

interface Settings {
  readonly options: ProduceOptions
  readonly recordOf: (line: Buffer) => ProducedRecord
}

function settingsOf(given: Given): Settings {
  given.single('the name of a topic')
  const partition = given.integer('partition', 0)
  const separator = given.value('key-separator')
  const headers = given.pairs('header').map(([key, value]) => ({ key, value: Buffer.from(value) }))
  if (separator !== undefined && given.has('json'))
    throw new UsageError('--key-separator and --json do not go together')
  const acks = ACKS[given.word('acks', ['all', '1', '0']) ?? 'all']
  const compression = given.word('compression', COMPRESSIONS) ?? 'none'
  const plain = given.has('json') ? (line: Buffer) => recordFromJson(line.toString('utf8')) : keyedBy(separator)
  return {
    options: { acks, compression, ...(partition === undefined ? {} : { partition }) },
    recordOf: (line) => {
      const record = plain(line)
      return headers.length === 0 ? record : { ...record, headers: [...headers, ...(record.headers ?? [])] }
    },
  }
}

function keyedBy(separator: string | undefined): (line: Buffer) => ProducedRecord {
  if (separator === undefined) return (line) => ({ value: line })
  const bytes = Buffer.from(separator)
  return (line) => {
    const at = line.indexOf(bytes)
    if (at < 0) throw new UsageError(`there is no '${separator}' between key and value`)
    return { key: line.subarray(0, at), value: line.subarray(at + bytes.length) }
  }
}

async function sendLines(
  client: KafkaClient,
  topic: string,
  { options, recordOf }: Settings,
  io: CommandIo,
): Promise<Map<number, number>> {
  const progress = new ProgressLine(io.clock, (text) => io.err(text))
  const counts = new Map<number, number>()
  let lineNumber = 0
  let sentCount = 0
  for await (const lines of inputLines(io.input())) {
    const records = lines.map((line) => {
      lineNumber++
      try {
        return recordOf(line)
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        const before = `${counted(sentCount, 'record')} before it went to ${topic}`
        throw new CommandError(`line ${lineNumber}: ${error.message}; ${before}`)
      }
    })
    for (const { partition, recordCount } of await client.produce(topic, records, options)) {
      counts.set(partition, (counts.get(partition) ?? 0) + recordCount)
    }
    sentCount = lineNumber
    if (io.errorIsTerminal) progress.show(() => `${counted(sentCount, 'record')} sent`)
  }
  return counts
}
