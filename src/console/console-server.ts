import type { Logger } from 'pino'
import type { HttpListener } from '../config/http-listener.ts'
import { FaultError } from '../io/fault-fields.ts'
import { type HttpAnswer, type HttpBinding, type HttpRequest, listenHttp } from '../io/node-http.ts'
import { isAllowedHost, isAllowedOrigin, isLoopback } from './allowed-host.ts'
import { faultRoutes } from './fault-routes.ts'
import { Metrics } from './metrics.ts'
import { type ConsoleContext, matchPath, type Route, RouteError, type RouteReply } from './route.ts'

export interface ConsoleServerOptions {
  readonly listener: HttpListener
  readonly logger: Logger
  /** Beside those that every console has. */
  readonly routes?: readonly Route[]
}

type ConsoleState = 'starting' | 'ready' | 'stopping'

const MAX_BODY_BYTES = 65_536

/** A broker seen and disturbed over HTTP. Whoever reaches it may do everything: it has no users. */
export class ConsoleServer {
  readonly #logger: Logger
  readonly #routes: readonly Route[]
  #context: ConsoleContext | null = null
  #state: ConsoleState = 'starting'
  #binding: HttpBinding | null = null
  #boundHosts: readonly string[] = []

  private constructor({ logger, routes = [] }: ConsoleServerOptions) {
    this.#logger = logger
    this.#routes = [this.#metricsRoute(), ...faultRoutes, ...routes]
  }

  /** Listens, and answers that the broker is starting until `serve`. Fails as Node does (EADDRINUSE …). */
  static async start(options: ConsoleServerOptions): Promise<ConsoleServer> {
    const server = new ConsoleServer(options)
    await server.#listen(options.listener)
    return server
  }

  /** `http://127.0.0.1:9644`. */
  get url(): string {
    const { host, port } = this.#binding!
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  }

  /** The broker is there. */
  serve(context: ConsoleContext): void {
    this.#context = context
    this.#state = 'ready'
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    this.#state = 'stopping'
    await this.#binding!.close()
  }

  async #listen({ host, port }: HttpListener): Promise<void> {
    this.#binding = await listenHttp({
      host,
      port,
      maxBodyBytes: MAX_BODY_BYTES,
      tooLarge: asAnswer({ status: 413, body: { error: `a body may have ${MAX_BODY_BYTES} bytes` } }),
      handle: (request) => this.#answer(request),
      onError: (error) => this.#logger.debug({ err: error }, 'an HTTP connection broke'),
    })
    this.#boundHosts = [host.toLowerCase(), this.#binding.host]
    const what = `HTTP is on at ${this.url}: it shows this broker and makes faults happen`
    if (isLoopback(this.#binding.host)) this.#logger.info(`${what}, for everybody on this machine`)
    else this.#logger.warn(`${what}, for everybody who reaches that address: there is no password`)
  }

  async #answer(request: HttpRequest): Promise<HttpAnswer> {
    try {
      return asAnswer(await this.#reply(request))
    } catch (error) {
      return this.#apologise(request, error)
    }
  }

  async #reply({ method, path, host, origin, body }: HttpRequest): Promise<RouteReply> {
    if (!isAllowedHost(host, this.#boundHosts)) {
      throw new RouteError(403, `the Host header ${host} is not this server; allowed are localhost, and ${this.url}`)
    }
    if (!isAllowedOrigin(origin, host)) throw new RouteError(403, `no requests from pages of ${origin}`)
    const own = this.#ownReply(path)
    const found = this.#routes.filter((route) => matchPath(route.path, path) !== null)
    if (own === null && found.length === 0) {
      throw new RouteError(404, `there is no ${path}; GET / lists what there is`)
    }
    const asked = method === 'HEAD' ? 'GET' : method
    if (own !== null && asked === 'GET') return own
    const route = found.find((one) => one.method === asked)
    if (route === undefined) {
      const allow = own === null ? found.map((one) => one.method).join(', ') : 'GET'
      throw new RouteError(405, `${path} cannot be asked for with ${method}; allowed: ${allow}`, { allow })
    }
    if (this.#context === null) throw new RouteError(503, 'the broker is starting', { 'retry-after': '1' })
    return route.handle(this.#context, matchPath(route.path, path)!, parsed(body))
  }

  #metricsRoute(): Route {
    const metrics = new Metrics(() => this.#context!.diskBudget)
    return {
      method: 'GET',
      path: '/metrics',
      summary: 'for Prometheus',
      handle: async () => ({ status: 200, body: await metrics.render(), contentType: metrics.contentType }),
    }
  }

  /** What is known without a broker. */
  #ownReply(path: string): RouteReply | null {
    const state = this.#state
    if (path === '/healthz') return { status: 200, body: { state } }
    if (path === '/readyz') return { status: state === 'ready' ? 200 : 503, body: { state } }
    return path === '/' ? { status: 200, body: { routes: this.#list() } } : null
  }

  #list() {
    const own = [
      { method: 'GET', path: '/', summary: 'this list' },
      { method: 'GET', path: '/healthz', summary: 'whether the process answers' },
      { method: 'GET', path: '/readyz', summary: 'whether clients can connect: 200, else 503' },
    ]
    return [...own, ...this.#routes.map(({ method, path, summary }) => ({ method, path, summary }))]
  }

  #apologise({ method, path }: HttpRequest, error: unknown): HttpAnswer {
    if (error instanceof FaultError) {
      return asAnswer({ status: 400, body: { error: error.message, field: error.field } })
    }
    if (error instanceof RouteError) {
      return asAnswer({ status: error.status, body: { error: error.message } }, error.headers)
    }
    this.#logger.error({ err: error }, `${method} ${path} failed`)
    return asAnswer({ status: 500, body: { error: `${method} ${path} failed; the log says why` } })
  }
}

function parsed(body: Buffer): unknown {
  if (body.length === 0) return undefined
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new RouteError(400, `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Indented, since people read it. Without permission for other pages to read it. */
function asAnswer(
  { status, body, location, contentType }: RouteReply,
  more: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const headers = {
    'content-type': contentType ?? 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(location !== undefined && { location }),
    ...more,
  }
  return { status, headers, body: contentType === undefined ? `${JSON.stringify(body, null, 2)}\n` : String(body) }
}
