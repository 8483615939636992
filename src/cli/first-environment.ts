import { nodeFileSystem } from '../io/node-file-system.ts'
import { isSystemError } from './failure.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A name that dash and BusyBox's shell do not pass on to what they start. */
const LOST_NAME = /^KAFKA_\w*[^\w]/

/**
 * The environment with the settings that shells on the way have dropped, such as
 * KAFKA_LISTENER_NAME_SECURE_SCRAM-SHA-512_SASL_JAAS_CONFIG: in a container they are still those of process 1.
 */
export function withLostVariables(environment: Environment, firstEnvironmentFile: string | undefined): Environment {
  if (!firstEnvironmentFile) return environment
  return { ...lostVariables(firstEnvironmentFile), ...environment }
}

function lostVariables(file: string): Environment {
  try {
    const entries = (nodeFileSystem.readFile(file)?.toString('utf8') ?? '').split('\0')
    const pairs = entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)])
    return Object.fromEntries(pairs.filter(([name]) => LOST_NAME.test(name!)))
  } catch (error) {
    // Process 1 may be another user's.
    if (!isSystemError(error)) throw error
    return {}
  }
}
