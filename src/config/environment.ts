/** Variables of the usual images that begin with KAFKA_ and are no settings of the broker. */
const NOT_SETTINGS = new Set([
  'KAFKA_VERSION',
  'KAFKA_HOME',
  'KAFKA_OPTS',
  'KAFKA_HEAP_OPTS',
  'KAFKA_JMX_OPTS',
  'KAFKA_JMX_PORT',
  'KAFKA_JMX_HOSTNAME',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_CLUSTER_ID',
  'KAFKA_KRAFT_CLUSTER_ID',
  'KAFKA_ENABLE_KRAFT',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
])

/** Log4j's own, and what Kubernetes sets in every pod beside a service named `kafka`. */
const NOT_SETTINGS_PREFIX = /^KAFKA_(?:LOG4J_|SERVICE_|PORT$|PORT_)/

export interface EnvironmentConfig {
  readonly texts: ReadonlyMap<string, string>
  /** Null where none is given. */
  readonly clusterId: string | null
}

/**
 * Settings from the environment: `KAFKA_` as the images of Apache and Confluent map it, `KAFKA_CFG_` as Bitnami's. A
 * variable that is set but empty counts as absent: that is what compose files make of an unset one.
 */
export function configFromEnvironment(environment: Readonly<Record<string, string | undefined>>): EnvironmentConfig {
  const texts = new Map<string, string>()
  const bitnami = new Map<string, string>()
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || value === '' || !variable.startsWith('KAFKA_')) continue
    if (variable.startsWith('KAFKA_CFG_')) bitnami.set(settingName(variable.slice('KAFKA_CFG_'.length)), value)
    else if (!NOT_SETTINGS.has(variable) && !NOT_SETTINGS_PREFIX.test(variable)) {
      texts.set(settingName(variable.slice('KAFKA_'.length)), value)
    }
  }
  for (const [name, value] of bitnami) texts.set(name, value)
  const clusterId =
    environment['CLUSTER_ID'] || environment['KAFKA_CLUSTER_ID'] || environment['KAFKA_KRAFT_CLUSTER_ID']
  return { texts, clusterId: clusterId || null }
}

/** One underscore is a dot, two are an underscore, three a hyphen. */
function settingName(variable: string): string {
  return variable.toLowerCase().replaceAll(/_{1,3}/g, (run) => (run.length === 1 ? '.' : run.length === 2 ? '_' : '-'))
}
