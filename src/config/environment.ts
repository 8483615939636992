import { brokerConfigs } from './broker-configs.ts'
import { kindOf } from './environment-variables.ts'
import { TOPICS_SETTING } from './first-topics.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface EnvironmentConfig {
  readonly texts: ReadonlyMap<string, string>
  /** Null where none is given. */
  readonly clusterId: string | null
  /** Variables about passwords, certificates and users, sorted. */
  readonly security: readonly string[]
  /** What people have to know about other variables, a line each. */
  readonly notes: readonly string[]
}

const BITNAMI_PREFIX = 'KAFKA_CFG_'
const CLUSTER_IDS = ['CLUSTER_ID', 'KAFKA_CLUSTER_ID', 'KAFKA_KRAFT_CLUSTER_ID']
const NOT_RUN =
  'commands in variables are never run. Say addresses in KAFKA_ADVERTISED_LISTENERS, or leave it out: each client is then told the address at which it has reached the broker'

/**
 * Settings from the environment: `KAFKA_` as the images of Apache and Confluent map it, `KAFKA_CFG_` as Bitnami's. A
 * variable that is set but empty counts as absent: that is what compose files make of an unset one. `readSecret` gives
 * the content of a file that a variable ending in `_FILE` names, or null.
 */
export function configFromEnvironment(
  given: Environment,
  readSecret: (file: string) => string | null = () => null,
): EnvironmentConfig {
  const { environment, notes } = withSecrets(given, readSecret)
  const texts = new Map<string, string>()
  const bitnami = new Map<string, string>()
  const security: string[] = []
  const commands: string[] = []
  for (const [variable, value] of environment) {
    const kind = kindOf(variable, value)
    if (kind === 'security') security.push(variable)
    else if (kind === 'command') commands.push(variable)
    else if (kind !== 'setting') continue
    else if (variable.startsWith(BITNAMI_PREFIX)) bitnami.set(bitnamiName(variable), value)
    else texts.set(settingName(variable.slice('KAFKA_'.length)), value)
  }
  for (const [name, value] of bitnami) texts.set(name, value)
  const topics = topicsOf(environment)
  if (topics !== null && !texts.has(TOPICS_SETTING)) texts.set(TOPICS_SETTING, topics)
  if (commands.length > 0) notes.push(`${commands.sort().join(', ')}: ${NOT_RUN}`)
  const clusterId = CLUSTER_IDS.map((variable) => environment.get(variable)).find((id) => id !== undefined)
  return { texts, clusterId: clusterId ?? null, security: security.sort(), notes }
}

/** What BITNAMI_DEBUG asks for. */
export function wantsDebug(environment: Environment): boolean {
  return /^(?:1|true|yes)$/i.test(environment['BITNAMI_DEBUG'] ?? '')
}

/** Variables that have a value; where one ends in _FILE, the content of that file, which is stronger. */
function withSecrets(given: Environment, readSecret: (file: string) => string | null) {
  const environment = new Map<string, string>()
  const secrets = new Map<string, string>()
  const notes: string[] = []
  for (const [variable, value] of Object.entries(given)) {
    if (value === undefined || value === '') continue
    const target = secretOf(variable)
    if (target === null) {
      environment.set(variable, value)
      continue
    }
    const content = readSecret(value)
    if (content === null) notes.push(`${variable}: ${value} cannot be read, ${target} stays as it is`)
    else secrets.set(target, content.replace(/\r?\n$/, ''))
  }
  for (const [variable, content] of secrets) environment.set(variable, content)
  return { environment, notes }
}

/** The variable whose value is in the file, or null; some settings have `file` in their own name. */
function secretOf(variable: string): string | null {
  const target = /^(KAFKA_.+|CLUSTER_ID)_FILE$/.exec(variable)?.[1]
  if (target === undefined || variable === 'KAFKA_TLS_TRUSTSTORE_FILE' || variable === 'KAFKA_CONF_FILE') return null
  const name = variable.startsWith(BITNAMI_PREFIX)
    ? bitnamiName(variable)
    : settingName(variable.slice('KAFKA_'.length))
  return Object.hasOwn(brokerConfigs, name) ? null : target
}

/** Another separator lets commas stand in a setting; wurstmeister/kafka evaluates it, so line breaks come as $'\n'. */
function topicsOf(environment: ReadonlyMap<string, string>): string | null {
  const topics = environment.get('KAFKA_CREATE_TOPICS')
  if (topics === undefined) return null
  const given = environment.get('KAFKA_CREATE_TOPICS_SEPARATOR') ?? ','
  const separator = /^(?:\$?\$?'?\\n'?)$/.test(given) ? '\n' : given
  if (separator === ',') return topics
  return topics
    .split(separator)
    .map((spec) => spec.trim().replace(/,$/, '').replaceAll(',', '+'))
    .join(',')
}

/** One underscore is a dot, two are an underscore, three a hyphen. */
function settingName(variable: string): string {
  return variable.toLowerCase().replaceAll(/_{1,3}/g, (run) => (run.length === 1 ? '.' : run.length === 2 ? '_' : '-'))
}

/** The names of two security protocols, which are names of listeners too, keep their underscore in Bitnami's image. */
function bitnamiName(variable: string): string {
  return settingName(variable.slice(BITNAMI_PREFIX.length)).replaceAll(/sasl\.(?=ssl|plaintext)/g, 'sasl_')
}
