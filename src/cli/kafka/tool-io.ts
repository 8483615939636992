import { ClientError } from '../../client/client-error.ts'
import type { KafkaClient, KafkaClientOptions } from '../../client/kafka-client.ts'
import type { Clock } from '../../io/clock.ts'
import {
  OptionError,
  type Options,
  type OptionTable,
  readOptions,
  type ToolDescription,
  usageText,
} from './option-table.ts'
import { ToolFailure, UsageExit } from './tool-failure.ts'

/** What the tools need of a client. */
export type ToolClient = Pick<
  KafkaClient,
  | 'send'
  | 'versionOf'
  | 'apiVersions'
  | 'cluster'
  | 'topics'
  | 'offsets'
  | 'produce'
  | 'recordBatches'
  | 'groupConsumer'
  | 'close'
>

/** The world as a tool sees it; a test gives one of its own. */
export interface ToolIo {
  out(text: string | Buffer): void
  err(text: string): void
  /** Standard input, opened when it is first asked for. */
  input(): AsyncIterable<Buffer>
  /** Throws ToolFailure where there is none. */
  readFile(path: string): string
  readonly clock: Clock
  pause(ms: number): Promise<void>
  /** Throws ClientError when no broker answers. */
  openClient(options: KafkaClientOptions): Promise<ToolClient>
  /** Whether a person sits in front of it. */
  readonly interactive: boolean
  /** Called once when the user asks the process to end. */
  onInterrupt(handle: () => void): void
}

/** The version of Kafka whose tools these follow; `--version` prints it. */
export const KAFKA_VERSION = '4.3.1'

const COMMON = {
  help: { kind: 'none', about: 'Print this.' },
  version: { kind: 'none', about: 'Print the version of Kafka that this follows.' },
} as const

/** The tool as it is called: with the options that every tool has. */
export function describeTool<Table extends OptionTable>(
  name: string,
  about: string,
  options: Table,
): ToolDescription & { readonly options: Table & typeof COMMON } {
  return { name, about, options: { ...options, ...COMMON } }
}

export interface ToolRun<Name extends string> {
  readonly io: ToolIo
  readonly options: Options<Name>
}

/**
 * Reads the arguments and runs the tool. Usage texts go to standard error with exit code 1, also that of --help: so do
 * Kafka's. `unreadable` prints arguments that cannot be read, which differs from tool to tool.
 */
export async function runTool<Table extends OptionTable & typeof COMMON>(
  description: ToolDescription & { readonly options: Table },
  args: readonly string[],
  io: ToolIo,
  run: (tool: ToolRun<keyof Table & string>) => Promise<number>,
  unreadable: 'usage' | ((message: string) => string) = (message) => message,
): Promise<number> {
  const usage = (message: string | null) => {
    io.err(`${message ?? description.about}\n${usageText(description.options)}\n`)
    return 1
  }
  try {
    const options = readOptions(args, description.options)
    if (args.length === 0 || options.has('help')) return usage(null)
    if (options.has('version')) {
      io.out(`${KAFKA_VERSION}\n`)
      return 0
    }
    return await run({ io, options })
  } catch (error) {
    if (error instanceof UsageExit) return usage(error.message)
    if (!(error instanceof OptionError)) return reportFailure(error, io)
    if (unreadable === 'usage') return usage(error.message)
    io.err(`${unreadable(error.message)}\n`)
    return 1
  }
}

/** For whoever does not print a failure in a way of its own: the message, and what a Java stack begins with. */
export function reportFailure(error: unknown, io: ToolIo): number {
  const failure = toolFailureOf(error)
  io.err(`${failure.outerMessage}\n${failure.stackStart}\n`)
  return 1
}

/** A client's error is a failure of the tool; anything else is a bug and goes on. */
export function toolFailureOf(error: unknown): ToolFailure {
  if (error instanceof ToolFailure) return error
  if (!(error instanceof ClientError)) throw error
  return new ToolFailure(error.message, 'org.apache.kafka.common.KafkaException')
}
