import { KafkaClient, type KafkaClientDependencies } from '../../client/kafka-client.ts'
import { nodeFileSystem } from '../../io/node-file-system.ts'
import { isSystemError } from '../failure.ts'
import { ToolFailure } from './tool-failure.ts'
import type { ToolIo } from './tool-io.ts'

/** The process that a tool runs in. */
export function processIo(dependencies: KafkaClientDependencies): ToolIo {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    input: () => process.stdin,
    interactive: process.stdin.isTTY === true,
    readFile(path) {
      try {
        const content = nodeFileSystem.readFile(path)
        if (content !== null) return content.toString('utf8')
      } catch (error) {
        if (!isSystemError(error)) throw error
      }
      throw new ToolFailure(path, 'java.nio.file.NoSuchFileException')
    },
    clock: dependencies.clock,
    pause: (ms) => new Promise((resolve) => void dependencies.clock.schedule(ms, resolve)),
    openClient: (options) => KafkaClient.connect(options, dependencies),
    onInterrupt(handle) {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, handle)
    },
  }
}
