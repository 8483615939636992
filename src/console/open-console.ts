import type { Logger } from 'pino'
import { ConfigError } from '../config/config-error.ts'
import { parseHttpListener } from '../config/http-listener.ts'
import { ConsoleServer } from './console-server.ts'
import type { Route } from './route.ts'

const SETTING = 'odradek.http.listener'

/** The HTTP side as the settings want it; null when they do not. Throws ConfigError where it cannot listen. */
export async function openConsole(
  text: string | null,
  logger: Logger,
  routes: readonly Route[],
): Promise<ConsoleServer | null> {
  if (text === null) return null
  try {
    return await ConsoleServer.start({ listener: parseHttpListener(text)!, logger, routes })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null
    if (code === null) throw error
    throw new ConfigError(SETTING, `${SETTING}: ${reasonOf(code, text)}`)
  }
}

function reasonOf(code: string, text: string): string {
  if (code === 'EADDRINUSE') return `the port of ${text} is in use by another program`
  if (code === 'EACCES') return `this user may not listen on ${text}; choose a port above 1023`
  return `nothing here has the address of ${text} (${code})`
}
