import { type BrokerConfig, loadBrokerConfig } from '../../config/broker-config.ts'
import { ConfigError } from '../../config/config-error.ts'
import { withLostVariables } from '../first-environment.ts'
import { ToolFailure } from './tool-failure.ts'
import type { ToolIo } from './tool-io.ts'

/**
 * The settings of a broker that is started with this file, or without one: the environment counts here as it does
 * there, so that both mean the same folder. Throws ToolFailure.
 */
export function brokerSettings(io: ToolIo, path: string | null): BrokerConfig {
  const file = path === null ? null : io.readFile(path)
  const environment = withLostVariables(process.env, process.env['ODRADEK_FIRST_ENVIRONMENT'])
  const defaults = new Map([['log.dirs', environment['ODRADEK_DATA'] || './data']])
  try {
    return loadBrokerConfig({ commandLine: new Map(), environment, file, defaults }).config
  } catch (error) {
    if (error instanceof ConfigError) throw new ToolFailure(error.message)
    throw error
  }
}
