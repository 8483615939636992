/**
 * What a variable of the usual images is that is no setting of the broker, or not by its own name.
 * - `silent`: of the image, the Java process or a cluster manager; it means nothing here and promises nothing.
 * - `security`: passwords, certificates and users, which are not built yet.
 * - `command`: wurstmeister/kafka runs its value; it is never run here.
 */
export type VariableKind = 'setting' | 'silent' | 'security' | 'command'

const SILENT = new Set([
  'KAFKA_VERSION',
  'KAFKA_HOME',
  'KAFKA_OPTS',
  'KAFKA_HEAP_OPTS',
  'KAFKA_HEAP_OPT',
  'KAFKA_JMX_OPTS',
  'KAFKA_JMX_PORT',
  'KAFKA_JMX_HOSTNAME',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
  'KAFKA_CLUSTER_ID',
  'KAFKA_KRAFT_CLUSTER_ID',
  // Of Bitnami's image: where things lie in it, and what it prepares.
  'KAFKA_ENABLE_KRAFT',
  'KAFKA_KRAFT_BOOTSTRAP_SCRAM_USERS',
  'KAFKA_SKIP_KRAFT_STORAGE_INIT',
  'KAFKA_CLIENT_LISTENER_NAME',
  'KAFKA_BASE_DIR',
  'KAFKA_VOLUME_DIR',
  'KAFKA_DATA_DIR',
  'KAFKA_CONF_DIR',
  'KAFKA_CONF_FILE',
  'KAFKA_MOUNTED_CONF_DIR',
  'KAFKA_CERTS_DIR',
  'KAFKA_INITSCRIPTS_DIR',
  'KAFKA_INIT_MAX_TIMEOUT',
  'KAFKA_DAEMON_USER',
  'KAFKA_DAEMON_GROUP',
  // Read beside the settings.
  'KAFKA_CREATE_TOPICS',
  'KAFKA_CREATE_TOPICS_SEPARATOR',
])

/** Log4j's own, and what Kubernetes sets in every pod beside a service named `kafka`. */
const SILENT_PREFIX = /^KAFKA_(?:LOG4J_|SERVICE_|PORT_)/

const SECURITY = new Set([
  // Bitnami
  'KAFKA_CLIENT_USERS',
  'KAFKA_CLIENT_PASSWORDS',
  'KAFKA_INTER_BROKER_USER',
  'KAFKA_INTER_BROKER_PASSWORD',
  'KAFKA_CONTROLLER_USER',
  'KAFKA_CONTROLLER_PASSWORD',
  'KAFKA_CERTIFICATE_PASSWORD',
  // apache/kafka and Confluent: names of files below /etc/kafka/secrets
  'KAFKA_SSL_KEYSTORE_FILENAME',
  'KAFKA_SSL_KEYSTORE_CREDENTIALS',
  'KAFKA_SSL_KEY_CREDENTIALS',
  'KAFKA_SSL_TRUSTSTORE_FILENAME',
  'KAFKA_SSL_TRUSTSTORE_CREDENTIALS',
])
/** Bitnami: KAFKA_TLS_TYPE, KAFKA_TLS_CLIENT_AUTH, KAFKA_TLS_TRUSTSTORE_FILE … */
const SECURITY_PREFIX = /^KAFKA_TLS_/

const COMMANDS = new Set([
  'HOSTNAME_COMMAND',
  'PORT_COMMAND',
  'RACK_COMMAND',
  'BROKER_ID_COMMAND',
  'CUSTOM_INIT_SCRIPT',
])

/** Null for one that is not for a broker at all. */
export function kindOf(variable: string, value: string): VariableKind | null {
  if (COMMANDS.has(variable)) return 'command'
  if (!variable.startsWith('KAFKA_')) return null
  if (SILENT.has(variable) || SILENT_PREFIX.test(variable)) return 'silent'
  // The port of wurstmeister/kafka is a number, that of a Kubernetes service tcp://10.0.0.1:9092.
  if (variable === 'KAFKA_PORT' && !/^\d+$/.test(value)) return 'silent'
  if (SECURITY.has(variable) || SECURITY_PREFIX.test(variable)) return 'security'
  return 'setting'
}
