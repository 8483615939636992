import { createInterface } from 'node:readline/promises'
import { connectClient } from '../client/node-client.ts'
import { foregroundClock } from '../io/foreground-clock.ts'
import type { CommandIo } from './command-io.ts'

/** The process that a command runs in. */
export function processCommandIo(): CommandIo {
  let interrupt: AbortController | null = null
  return {
    out(text) {
      if (process.stdout.write(text)) return Promise.resolve()
      return new Promise((resolve) => process.stdout.once('drain', resolve))
    },
    err: (text) => void process.stderr.write(text),
    input: () => process.stdin,
    inputIsTerminal: process.stdin.isTTY === true,
    outputIsTerminal: process.stdout.isTTY === true,
    errorIsTerminal: process.stderr.isTTY === true,
    async ask(question) {
      const lines = createInterface({ input: process.stdin, output: process.stderr })
      try {
        return await lines.question(question)
      } finally {
        lines.close()
      }
    },
    environment: (name) => process.env[name],
    clock: foregroundClock,
    connect: connectClient,
    interrupted() {
      if (interrupt !== null) return interrupt.signal
      const controller = new AbortController()
      interrupt = controller
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => controller.abort())
      return controller.signal
    },
  }
}

/** Whoever reads no further, as `head` does, has what it wants. */
export function endQuietlyWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}
