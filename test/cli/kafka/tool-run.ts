import { processIo } from '../../../src/cli/kafka/process-io.ts'
import type { ToolClient, ToolIo } from '../../../src/cli/kafka/tool-io.ts'
import type { KafkaTool } from '../../../src/cli/kafka/tools.ts'
import type { KafkaClientDependencies } from '../../../src/client/kafka-client.ts'
import { KafkaClient } from '../../../src/client/kafka-client.ts'
import type { ToolOutcome } from './masked.ts'

export interface ToolRunOptions {
  readonly args: readonly string[]
  readonly input?: string
  /** For tools that reach a broker. */
  readonly dependencies: KafkaClientDependencies
  /** In place of files, by their paths. */
  readonly files?: Readonly<Record<string, string>>
  /** In place of a client that reaches a broker. */
  readonly client?: ToolClient
}

/** Runs a tool in this process, and gives what it would have printed. */
export async function runInProcess(tool: KafkaTool, options: ToolRunOptions): Promise<ToolOutcome> {
  const output: Buffer[] = []
  let errors = ''
  const { args, input = '', dependencies, files, client } = options
  const real = processIo(dependencies)
  const io: ToolIo = {
    ...real,
    interactive: false,
    out: (text) => void output.push(Buffer.from(text as string)),
    err: (text) => {
      errors += text
    },
    async *input() {
      if (input !== '') yield Buffer.from(input)
    },
    readFile: (path) => files?.[path] ?? real.readFile(path),
    openClient: async (clientOptions) => client ?? KafkaClient.connect(clientOptions, dependencies),
    onInterrupt: () => {},
  }
  const code = await tool(args, io)
  return { code, output: Buffer.concat(output).toString('utf8'), errors }
}
