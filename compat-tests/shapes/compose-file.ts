import { readFileSync } from 'node:fs'
import path from 'node:path'
import {
  durationMs,
  environmentOf,
  HEALTHCHECK_DEFAULTS,
  type Healthcheck,
  publishedPort,
  readYaml,
  type Service,
} from './service.ts'
import { shellWords } from './shell-words.ts'

interface ComposeHealthcheck {
  test: string | string[]
  interval?: string
  timeout?: string
  retries?: bigint
  start_period?: string
}

interface ComposeService {
  image: string
  hostname?: string
  container_name?: string
  environment?: unknown
  env_file?: string | string[]
  entrypoint?: string | string[]
  command?: string | string[]
  healthcheck?: ComposeHealthcheck
  volumes?: string[]
  ports?: (string | bigint)[]
}

/** The services of a compose file, with the variables of its surroundings put in. */
export function readComposeFile(file: string, surroundings: Readonly<Record<string, string>>): Service[] {
  const document: unknown = readYaml(file)
  const content = interpolated(document, surroundings) as Record<string, unknown>
  // The first version had no other sections.
  const services = (content['services'] ?? content) as Record<string, ComposeService>
  return Object.entries(services).map(([name, service]) => serviceOf(name, service, path.dirname(file)))
}

function serviceOf(name: string, service: ComposeService, folder: string): Service {
  const fromFiles = [service.env_file ?? []].flat().map((file) => readEnvironmentFile(path.join(folder, file)))
  return {
    name,
    image: service.image,
    hostNames: [name, service.hostname ?? [], service.container_name ?? []].flat(),
    environment: Object.assign({}, ...fromFiles, environmentOf(service.environment)),
    entrypoint: wordsOf(service.entrypoint),
    command: wordsOf(service.command),
    healthcheck: healthcheckOf(service.healthcheck),
    mounts: (service.volumes ?? []).flatMap((volume) => {
      const [source, target] = volume.split(':')
      // Named volumes are the container's own, and absolute ones the host's.
      return source?.startsWith('.') && target ? [{ source: path.resolve(folder, source), target }] : []
    }),
    published: new Map(
      (service.ports ?? []).map((port) => publishedPort(String(port))).filter((pair) => pair !== null),
    ),
  }
}

function readEnvironmentFile(file: string): Record<string, string> {
  const lines = readFileSync(file, 'utf8').split('\n')
  return environmentOf(lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')))
}

function wordsOf(given: string | string[] | undefined): string[] | null {
  if (given === undefined) return null
  return typeof given === 'string' ? shellWords(given) : given
}

function healthcheckOf(given: ComposeHealthcheck | undefined): Healthcheck | null {
  if (given === undefined) return null
  const [kind, ...words] = typeof given.test === 'string' ? ['CMD-SHELL', given.test] : given.test
  if (kind === 'NONE') return null
  const durations = { intervalMs: given.interval, timeoutMs: given.timeout, startPeriodMs: given.start_period }
  const givenMs = Object.entries(durations).flatMap(([name, text]) => (text ? [[name, durationMs(text)]] : []))
  return {
    ...HEALTHCHECK_DEFAULTS,
    ...Object.fromEntries(givenMs),
    ...(given.retries !== undefined && { retries: Number(given.retries) }),
    command: kind === 'CMD-SHELL' ? ['/bin/sh', '-c', words.join(' ')] : words,
  }
}

/** Puts variables into every text, as compose does: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?why}`, and `$$` for a dollar. */
function interpolated(value: unknown, surroundings: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/\$(?:\$|(\w+)|\{(\w+)(?:(:?[-?])([^}]*))?\})/g, (whole, plain, braced, operator, rest) => {
      if (whole === '$$') return '$'
      const found = surroundings[plain ?? braced]
      if (found !== undefined && (found !== '' || !operator?.startsWith(':'))) return found
      if (operator?.endsWith('?')) throw new Error(`${braced} is needed: ${rest}`)
      return operator ? rest : ''
    })
  }
  if (Array.isArray(value)) return value.map((item) => interpolated(item, surroundings))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, interpolated(item, surroundings)]))
}
