import { createInterface } from 'node:readline'
import {
  ClientError,
  type DriverGreeting,
  type OperationName,
  type Operations,
  type OwnershipEvent,
  type ReceivedRecord,
  type TopicPartition,
} from '../client.ts'

export type Handlers = {
  [Name in OperationName]?: (request: Operations[Name]['request']) => Promise<Operations[Name]['answer']>
}

interface Command {
  id: number
  operation: OperationName
  request: unknown
}

/**
 * Serves commands from standard input until it ends, then closes the client. Commands run side by side: a member of a
 * group goes on consuming while something else is asked.
 */
export function serve(
  greeting: DriverGreeting,
  handlers: Handlers,
  codeOf: (error: unknown) => number | null,
  close: () => Promise<void>,
): void {
  const respond = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`)
  const answerTo = async ({ id, operation, request }: Command) => {
    const handler = handlers[operation] as ((request: unknown) => Promise<unknown>) | undefined
    if (handler === undefined) throw new Error(`this driver has no operation ${operation}`)
    respond({ id, answer: await handler(request) })
  }
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const command = JSON.parse(line) as Command
    answerTo(command).catch((error: unknown) => {
      const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      respond({ id: command.id, error: { message, code: codeOf(error) } })
    })
  })
  lines.on('close', () => {
    close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
  respond(greeting)
}

/** What a member of a group has seen since it was last asked. */
export class MemberDiary {
  #records: ReceivedRecord[] = []
  #events: OwnershipEvent[] = []
  #assignment: TopicPartition[] = []
  failure: string | null = null

  received(record: ReceivedRecord): void {
    this.#records.push(record)
  }

  assigned(partitions: TopicPartition[]): void {
    this.#assignment = partitions
    this.#events.push({ kind: 'assigned', partitions, atMs: Date.now() })
  }

  revokedAll(): void {
    if (this.#assignment.length === 0) return
    this.#events.push({ kind: 'revoked', partitions: this.#assignment, atMs: Date.now() })
    this.#assignment = []
  }

  take(): Operations['news']['answer'] {
    const news = { records: this.#records, events: this.#events, assignment: this.#assignment, failure: this.failure }
    this.#records = []
    this.#events = []
    return news
  }
}

export function toBuffer(base64: string | null): Buffer | null {
  return base64 === null ? null : Buffer.from(base64, 'base64')
}

export function toBase64(bytes: Buffer | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : bytes.toString('base64')
}

/** The entry of a map, made on first use. */
export async function cached<Key, Value>(
  map: Map<Key, Promise<Value>>,
  key: Key,
  make: () => Promise<Value>,
): Promise<Value> {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

/**
 * Looks for Kafka's code under the given names in an error, in what caused it and in what it collects. −1 counts only
 * when there is no other: clients use it for the details of another error.
 */
export function findKafkaCode(error: unknown, names: readonly string[]): number | null {
  if (error instanceof ClientError) return error.code
  const codes = collectCodes(error, names, 0)
  return codes.find((code) => code > 0) ?? codes[0] ?? null
}

function collectCodes(error: unknown, names: readonly string[], depth: number): number[] {
  if (typeof error !== 'object' || error === null || depth > 6) return []
  const fields = error as Record<string, unknown>
  const own = names.map((name) => fields[name]).filter((code): code is number => typeof code === 'number' && code !== 0)
  const inner = [fields['cause'], fields['originalError']]
  for (const list of [fields['errors'], fields['groups'], fields['partitions']]) {
    if (Array.isArray(list)) inner.push(...list)
  }
  return [...own, ...inner.flatMap((next) => collectCodes(next, names, depth + 1))]
}
