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

interface GitHubService {
  image: string
  env?: unknown
  ports?: (string | bigint)[]
  options?: string
}

interface GitLabService {
  name: string
  alias?: string
  entrypoint?: string[]
  command?: string[]
  variables?: unknown
}

interface CircleContainer {
  image: string
  name?: string
  environment?: unknown
  entrypoint?: string[]
  command?: string[]
}

const BARE = { entrypoint: null, command: null, healthcheck: null, mounts: [], published: new Map() }

/** The services of all jobs of a GitHub Actions workflow. */
export function readGitHubWorkflow(file: string): Service[] {
  const { jobs } = readYaml(file) as { jobs: Record<string, { services?: Record<string, GitHubService> }> }
  return Object.values(jobs).flatMap(({ services }) =>
    Object.entries(services ?? {}).map(([name, service]) => {
      const options = optionsOf(service.options ?? '')
      const published = (service.ports ?? []).map((port) => publishedPort(String(port)))
      return {
        ...BARE,
        name,
        image: service.image,
        hostNames: [name, options.get('--hostname') ?? []].flat(),
        environment: environmentOf(service.env),
        healthcheck: healthcheckOf(options),
        published: new Map(published.filter((pair) => pair !== null)),
      }
    }),
  )
}

/** The services of all jobs of a GitLab pipeline; variables of the pipeline and of the job reach them too. */
export function readGitLabPipeline(file: string): Service[] {
  const pipeline = readYaml(file) as Record<
    string,
    { services?: (string | GitLabService)[]; variables?: unknown } | undefined
  >
  return Object.values(pipeline).flatMap((job) =>
    (Array.isArray(job?.services) ? job.services : []).map((given) => {
      const service = typeof given === 'string' ? { name: given } : given
      const plain = service.name.replace(/:.*$/, '')
      return {
        ...BARE,
        name: service.alias ?? plain.replaceAll('/', '-'),
        image: service.name,
        hostNames: [service.alias ?? [], plain.replaceAll('/', '-'), plain.replaceAll('/', '__')].flat(),
        environment: {
          ...environmentOf(pipeline['variables']),
          ...environmentOf(job?.variables),
          ...environmentOf(service.variables),
        },
        entrypoint: service.entrypoint ?? null,
        command: service.command ?? null,
      }
    }),
  )
}

/** The containers beside the first one of each job; they share its network. */
export function readCircleConfig(file: string): Service[] {
  const { jobs } = readYaml(file) as { jobs: Record<string, { docker?: CircleContainer[] }> }
  return Object.values(jobs).flatMap(({ docker }) =>
    (docker ?? []).slice(1).map((container, at) => ({
      ...BARE,
      name: container.name ?? `beside-${at + 1}`,
      image: container.image,
      hostNames: [container.name ?? []].flat(),
      environment: environmentOf(container.environment),
      entrypoint: container.entrypoint ?? null,
      command: container.command ?? null,
    })),
  )
}

/** Options of `docker create`, as `services.<id>.options` gives them: each with a value. */
function optionsOf(text: string): Map<string, string> {
  const words = shellWords(text)
  const options = new Map<string, string>()
  for (let at = 0; at < words.length; at++) {
    const [name, value] = words[at]!.split(/=(.*)/s)
    options.set(name!, value ?? words[++at] ?? '')
  }
  return options
}

function healthcheckOf(options: ReadonlyMap<string, string>): Healthcheck | null {
  const command = options.get('--health-cmd')
  if (command === undefined) return null
  const ms = (name: string, otherwise: number) => durationMs(options.get(name) ?? `${otherwise}ms`)
  return {
    command: ['/bin/sh', '-c', command],
    intervalMs: ms('--health-interval', HEALTHCHECK_DEFAULTS.intervalMs),
    timeoutMs: ms('--health-timeout', HEALTHCHECK_DEFAULTS.timeoutMs),
    startPeriodMs: ms('--health-start-period', HEALTHCHECK_DEFAULTS.startPeriodMs),
    retries: Number(options.get('--health-retries') ?? HEALTHCHECK_DEFAULTS.retries),
  }
}
