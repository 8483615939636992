import type { KafkaClient, KafkaClientOptions } from '../client/kafka-client.ts'
import type { Clock } from '../io/clock.ts'

/** The world as a command sees it; a test gives one of its own. */
export interface CommandIo {
  /** Standard output. Resolves when more may be written. */
  out(text: string | Buffer): Promise<void>
  /** Standard error: progress, notes, questions. */
  err(text: string): void
  /** Standard input, opened when it is first asked for. */
  input(): AsyncIterable<Buffer>
  readonly inputIsTerminal: boolean
  readonly outputIsTerminal: boolean
  readonly errorIsTerminal: boolean
  /** An answer from the keyboard, without its line end. */
  ask(question: string): Promise<string>
  environment(name: string): string | undefined
  readonly clock: Clock
  /** Throws ClientError when no broker answers. */
  connect(options: KafkaClientOptions): Promise<KafkaClient>
  /** Fires when somebody asks the process to end, who then is not heard a second time. */
  interrupted(): AbortSignal
}
