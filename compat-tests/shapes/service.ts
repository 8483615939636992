import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** How a container is asked whether it is well. */
export interface Healthcheck {
  readonly command: readonly string[]
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly retries: number
  readonly startPeriodMs: number
}

/** One container of a compose file or of a CI job, whatever the file calls it. */
export interface Service {
  readonly name: string
  readonly image: string
  /** All names under which others on the same network reach it. */
  readonly hostNames: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[] | null
  readonly command: readonly string[] | null
  readonly healthcheck: Healthcheck | null
  /** Absolute path of a file or folder here, and where the container sees it. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[]
  /** Ports of the container by the port of the host at which they are published. */
  readonly published: ReadonlyMap<number, number>
}

/** Docker's own values where a file gives none. */
export const HEALTHCHECK_DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0 }

const KAFKA_IMAGE =
  /^(?:docker\.io\/)?(?:apache\/kafka(?:-native)?|confluentinc\/(?:cp-kafka|confluent-local)|bitnami(?:legacy)?\/kafka|(?:wurstmeister|spotify)\/kafka|(?:registry\.example\.com\/)?odradek)(?::.*)?$/

/** Whether ours takes the place of this image, or is meant, as in the documents. */
export function isKafkaImage(image: string): boolean {
  return KAFKA_IMAGE.test(image)
}

/** `1m30s`, `5s`, `500ms`. */
export function durationMs(text: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (parts.map(([part]) => part).join('') !== text) throw new Error(`${text} is no duration`)
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0)
}

/** `9092`, `9092:9092`, `127.0.0.1:9092:9092`, `9092:9092/tcp`. A port alone has no fixed place on the host. */
export function publishedPort(text: string): [host: number, container: number] | null {
  const match = /^(?:(?:[\d.]+:)?(\d+):)?(\d+)(?:\/tcp)?$/.exec(text)
  if (match === null) throw new Error(`${text} is no published port`)
  return match[1] === undefined ? null : [Number(match[1]), Number(match[2])]
}

/** Environment as a map or as a list of NAME=VALUE; a name without a value comes from outside, where there is none. */
export function environmentOf(given: unknown): Record<string, string> {
  if (given === undefined || given === null) return {}
  if (Array.isArray(given)) {
    return Object.fromEntries(
      given.map((item: unknown) => {
        const text = String(item)
        const at = text.indexOf('=')
        return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
      }),
    )
  }
  return Object.fromEntries(
    Object.entries(given).map(([name, value]: [string, unknown]) => [name, value === null ? '' : String(value)]),
  )
}

/** What a file says. Whole numbers stay exact: 9223372036854775807 is a usual value. */
export function readYaml(file: string): unknown {
  return parse(readFileSync(file, 'utf8'), { merge: true, intAsBigInt: true })
}
