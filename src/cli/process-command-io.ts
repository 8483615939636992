import { createInterface } from 'node:readline/promises'
import { connectClient } from '../client/node-client.ts'
import { foregroundClock } from '../io/foreground-clock.ts'
import type { CommandIo } from './command-io.ts'

/** The process that a command runs in. */
export function processCommandIo(): CommandIo {
  let interrupt: AbortController | null = null
  return {
    out: (text) =>
      new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => (error == null ? resolve() : reject(error)))
      }),
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

/** Whoever reads no further, as `head` does, has what it wants: the write fails, which is no failure of the command. */
export function isReaderGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'EPIPE'
}

/** Such a write also tells the stream, on which nobody else listens. */
export function expectReaderToGo(andThen: () => void): void {
  process.stdout.on('error', (error) => {
    if (!isReaderGone(error)) throw error
    andThen()
  })
}
