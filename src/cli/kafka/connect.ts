import { ClientError } from '../../client/client-error.ts'
import { TIMEOUT } from './java-errors.ts'
import { ToolFailure } from './tool-failure.ts'
import type { ToolClient, ToolIo } from './tool-io.ts'

export interface ConnectOptions {
  /** As it was typed. */
  readonly bootstrap: string
  /** Properties of a client, as from --command-config. */
  readonly properties: ReadonlyMap<string, string>
  readonly clientId: string
  /** What a Java client would name as the call that nobody answered. */
  readonly call: string
  /** Whether to wait for a broker that is not there yet. */
  readonly patient?: boolean
}

const DEFAULT_TIMEOUT_MS = 60_000
const CONNECT_MS = 10_000
const PAUSE_MS = 250
const PASSING: ReadonlySet<string> = new Set(['unreachable', 'disconnected', 'timeout'])
const TIMEOUT_PROPERTY = 'default.api.timeout.ms'
const ADMIN_CREATION = 'Failed to create new KafkaAdminClient'

/**
 * A client that has reached a broker. As Kafka's tools do it waits for a broker that is not there yet, a minute unless the
 * properties say otherwise: start scripts count on it. A host that nobody knows is an error at once.
 */
export async function connect(io: ToolIo, options: ConnectOptions): Promise<ToolClient> {
  const { bootstrap, properties, clientId, call } = options
  requireAddresses(bootstrap)
  const timeoutMs = Number(properties.get(TIMEOUT_PROPERTY) ?? DEFAULT_TIMEOUT_MS)
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 0) {
    throw new ToolFailure(`Invalid value ${properties.get(TIMEOUT_PROPERTY)} for configuration ${TIMEOUT_PROPERTY}`)
  }
  const deadlineMs = io.clock.monotonicMs() + timeoutMs
  let told = false
  for (;;) {
    try {
      return await io.openClient({
        bootstrapServers: bootstrap,
        clientId: properties.get('client.id') ?? clientId,
        requestTimeoutMs: timeoutMs,
        connectTimeoutMs: Math.min(CONNECT_MS, Math.max(1, timeoutMs)),
      })
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      refuseUnknownHost(error)
      if (!PASSING.has(error.kind)) throw new ToolFailure(error.message, 'org.apache.kafka.common.KafkaException')
      if (io.clock.monotonicMs() >= deadlineMs || options.patient === false) {
        throw new ToolFailure(`Timed out waiting for a node assignment. Call: ${call}`, TIMEOUT, true)
      }
      if (!told) io.err(`${logTime(io)} WARN ${error.message}; trying for ${timeoutMs / 1000} s\n`)
      told = true
      await io.pause(Math.min(PAUSE_MS, Math.max(1, deadlineMs - io.clock.monotonicMs())))
    }
  }
}

/** `[2026-11-21 18:02:18,000]`, as Kafka's tools begin a line of their log. */
export function logTime(io: ToolIo): string {
  return `[${new Date(io.clock.nowMs()).toISOString().replace('T', ' ').replace('.', ',').slice(0, 23)}]`
}

/** Throws ToolFailure for what is no list of HOST:PORT. */
export function requireAddresses(bootstrap: string): void {
  for (const part of bootstrap.split(',')) {
    const text = part.trim()
    if (text === '' || /:\d{1,5}$/.test(text)) continue
    throw new ToolFailure(
      `${ADMIN_CREATION}: Invalid url in bootstrap.servers: ${text}`,
      'org.apache.kafka.common.KafkaException',
    )
  }
}

function refuseUnknownHost(error: ClientError): void {
  if (!isUnknownHost(error)) return
  throw new ToolFailure(
    `${ADMIN_CREATION}: No resolvable bootstrap urls given in bootstrap.servers`,
    'org.apache.kafka.common.KafkaException',
  )
}

/** Of several addresses all have to be unknown. */
function isUnknownHost(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isUnknownHost)
  if (!(error instanceof Error)) return false
  return (error as NodeJS.ErrnoException).code === 'ENOTFOUND' || isUnknownHost(error.cause)
}
