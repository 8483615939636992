import { DescribeLogDirs } from '../../../protocol/messages/35-describe-log-dirs.ts'
import { CONNECTION_OPTIONS, withAdmin } from './admin-properties.ts'
import { failureOf } from './java-errors.ts'
import { requireArguments } from './option-rules.ts'
import { ToolFailure } from './tool-failure.ts'
import { describeTool, runTool, type ToolClient, type ToolIo } from './tool-io.ts'

export const KAFKA_LOG_DIRS = describeTool(
  'kafka-log-dirs',
  'Show what partitions take on the disks of brokers, as JSON.',
  {
    ...CONNECTION_OPTIONS,
    describe: { kind: 'none', about: 'Has to be given.' },
    'topic-list': { kind: 'value', value: 'TOPIC,…', about: 'Only these topics.' },
    'broker-list': { kind: 'value', value: 'ID,…', about: 'Only these brokers.' },
  },
)

export function kafkaLogDirs(args: readonly string[], io: ToolIo): Promise<number> {
  return runTool(
    KAFKA_LOG_DIRS,
    args,
    io,
    async ({ options }) => {
      requireArguments(options, 'bootstrap-server', 'describe')
      const topics = listed(options.value('topic-list'))
      const wanted = listed(options.value('broker-list')).map(brokerIdOf)
      return withAdmin(io, options, 'describeCluster', async (client) => {
        const existing = (await client.cluster()).brokers.map(({ id }) => id)
        const unknown = wanted.filter((id) => !existing.includes(id))
        if (unknown.length > 0) {
          const known = existing.join(',')
          io.err(
            `ERROR: The given brokers do not exist from --broker-list: ${unknown.join(',')}. Current existent brokers: ${known}\n`,
          )
          return 1
        }
        const brokers = wanted.length === 0 ? existing : wanted
        io.out('Querying brokers for log directories information\n')
        const described = await Promise.all(brokers.map((broker) => describeBroker(client, broker, topics)))
        io.out(`Received log directory information from brokers ${brokers.join(',')}\n`)
        io.out(`${JSON.stringify({ brokers: described, version: 1 })}\n`)
        return 0
      })
    },
    'usage',
  )
}

function listed(text: string | null): string[] {
  return text === null ? [] : text.split(',').filter((part) => part !== '')
}

function brokerIdOf(text: string): number {
  if (/^\s*\d{1,10}\s*$/.test(text)) return Number(text)
  throw new ToolFailure(`For input string: "${text}"`, 'java.lang.NumberFormatException')
}

async function describeBroker(client: ToolClient, broker: number, wanted: readonly string[]): Promise<object> {
  const { results } = await client.send(DescribeLogDirs, { topics: null }, { brokerId: broker })
  const logDirs = results.map(({ topics, errorCode, logDir }) => ({
    partitions: topics
      .filter(({ name }) => wanted.length === 0 || wanted.includes(name))
      .flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, partitionSize, offsetLag, isFutureKey }) => ({
          partition: `${name}-${partitionIndex}`,
          size: partitionSize,
          offsetLag,
          isFuture: isFutureKey,
        })),
      ),
    error: errorCode === 0 ? null : failureOf(errorCode).javaClass,
    logDir,
  }))
  return { broker, logDirs }
}
