import { nodeFileSystem } from '../../io/node-file-system.ts'
import { nodeProcessTable } from '../../io/node-process-table.ts'
import { directoryState } from '../../storage/local/verify-directory.ts'
import { brokerSettings } from './broker-settings.ts'
import { describeTool, runTool, type ToolIo } from './tool-io.ts'

export const KAFKA_SERVER_STOP = describeTool(
  'kafka-server-stop',
  'End the broker that uses a folder, in good order.',
  {
    data: { kind: 'value', value: 'DIR', about: 'The folder; that of the configuration by default.' },
    config: { kind: 'value', value: 'FILE', about: 'The server.properties that the broker was started with.' },
    'process-role': { kind: 'value', value: 'ROLE', about: 'Accepted without effect.' },
    'node-id': { kind: 'value', value: 'ID', about: 'Accepted without effect.' },
  },
)

/** SIGTERM to who holds the lock of the folder. Kafka's script ends every broker of the machine. */
export function kafkaServerStop(args: readonly string[], io: ToolIo): Promise<number> {
  // Without arguments it acts, where other tools print their usage.
  return runTool(KAFKA_SERVER_STOP, args.length === 0 ? ['--'] : args, io, async ({ options }) => {
    const directory = options.value('data') ?? brokerSettings(io, options.value('config')).dataDirectory
    const exists = nodeFileSystem.stat(directory)?.directory === true
    const pid = exists ? directoryState(nodeFileSystem, directory, nodeProcessTable).holderPid : null
    if (pid === null) {
      io.out(`No kafka server to stop (no broker uses ${directory})\n`)
      return 1
    }
    process.kill(pid, 'SIGTERM')
    return 0
  })
}
