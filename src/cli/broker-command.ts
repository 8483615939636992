import type { KafkaClient } from '../client/kafka-client.ts'
import type { Command, CommandOptions, Given } from './command.ts'
import type { CommandIo } from './command-io.ts'

const SERVER_VARIABLE = 'ODRADEK_BOOTSTRAP_SERVER'
export const DEFAULT_SERVER = 'localhost:9092'

/** Options of every command that speaks to a broker. */
export const BROKER_OPTIONS: CommandOptions = {
  'bootstrap-server': {
    type: 'string',
    short: 'b',
    value: 'HOST:PORT',
    about: `a broker of the cluster, or several separated by commas (default: $${SERVER_VARIABLE} or ${DEFAULT_SERVER})`,
  },
  timeout: { type: 'string', value: 'SECONDS', about: 'how long a request may take (default: 30)' },
  json: { type: 'boolean', about: 'print JSON, for scripts' },
}

export interface BrokerCommand extends Omit<Command, 'run'> {
  /** The client is closed afterwards. */
  run(client: KafkaClient, given: Given, io: CommandIo): Promise<number>
  /** What is wrong with what was typed is said before anybody connects. Throws UsageError. */
  check?(given: Given, io: CommandIo): void
}

export function bootstrapServerOf(given: Given, io: CommandIo): string {
  return given.value('bootstrap-server') ?? (io.environment(SERVER_VARIABLE) || DEFAULT_SERVER)
}

/** A command with the options of a connection, and with one while it runs. */
export function brokerCommand({ run, check, options, ...rest }: BrokerCommand): Command {
  return {
    ...rest,
    options: { ...options, ...BROKER_OPTIONS },
    async run(given, io) {
      check?.(given, io)
      const seconds = given.integer('timeout', 1, 86_400)
      const client = await io.connect({
        bootstrapServers: bootstrapServerOf(given, io),
        clientId: 'odradek-cli',
        ...(seconds === undefined ? {} : { requestTimeoutMs: seconds * 1000, connectTimeoutMs: seconds * 1000 }),
      })
      try {
        return await run(client, given, io)
      } finally {
        await client.close()
      }
    },
  }
}

/** One value, in lines where a person reads it. */
export function printJson(io: CommandIo, value: unknown): Promise<void> {
  return io.out(`${JSON.stringify(value, null, io.outputIsTerminal ? 2 : undefined)}\n`)
}
