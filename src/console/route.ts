import type { RequestFaults } from '../broker/request-faults.ts'
import type { DiskFaults } from '../io/disk-faults.ts'
import type { MeasuredBudget } from './metrics.ts'

/** What the routes work on. Whoever starts the broker fills it in; null for what it does not have. */
export interface ConsoleContext {
  readonly faults: RequestFaults
  readonly diskFaults: DiskFaults | null
  readonly diskBudget: MeasuredBudget
}

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** The parts of a path that a route leaves open, by name. */
export type RouteParams = Readonly<Record<string, string>>

export interface RouteReply {
  readonly status: number
  /** Sent as JSON; a text as it is where its type is given. */
  readonly body: unknown
  readonly contentType?: string
  /** Path of what was made. */
  readonly location?: string
}

/** Something that HTTP can ask for. */
export interface Route {
  readonly method: HttpMethod
  /** A part in braces is open: `/faults/{id}`. */
  readonly path: string
  /** One line for the list of routes. */
  readonly summary: string
  /**
   * `body` is what the JSON of the request says, undefined where there is none. Throws RouteError, or FaultError for a
   * body that does not fit.
   */
  handle(context: ConsoleContext, params: RouteParams, body: unknown): RouteReply | Promise<RouteReply>
}

/** An answer that says no, and what is allowed. */
export class RouteError extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'RouteError'
    this.status = status
    this.headers = headers
  }
}

/** The open parts of a path, decoded; null where it is not one of this route. */
export function matchPath(route: string, path: string): RouteParams | null {
  const [wanted, given] = [route.split('/'), path.split('/')]
  if (wanted.length !== given.length) return null
  const params: Record<string, string> = {}
  for (const [at, part] of wanted.entries()) {
    const text = given[at]!
    if (part.startsWith('{') && text !== '') params[part.slice(1, -1)] = decoded(text)
    else if (part !== text) return null
  }
  return params
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RouteError(400, `${text} in the path is not encoded as a URL is`)
  }
}
