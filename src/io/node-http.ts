import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export interface HttpRequest {
  readonly method: string
  /** Without the query, still encoded. */
  readonly path: string
  readonly query: URLSearchParams
  /** As the client sent them; empty where it did not. */
  readonly host: string
  readonly origin: string
  readonly body: Buffer
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface HttpOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** What is larger is not read, and `tooLarge` is the answer. */
  readonly maxBodyBytes: number
  readonly tooLarge: HttpAnswer
  /** Never fails. */
  readonly handle: (request: HttpRequest) => Promise<HttpAnswer>
  /** What fails after the start. */
  readonly onError: (error: Error) => void
}

export interface HttpBinding {
  readonly host: string
  readonly port: number
  /** Answers what is in progress, for a while; safe to call twice. */
  close(): Promise<void>
}

const LIMITS = { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5000 }
const MAX_CONNECTIONS = 100
const GRACE_MS = 500

/** Serves HTTP/1.1 through Node. Fails as Node does (`error.code`: EADDRINUSE, EACCES …). */
export function listenHttp(options: HttpOptions): Promise<HttpBinding> {
  const server = createServer(LIMITS, (request, response) => {
    answer(options, request, response).catch((error: Error) => {
      // The peer left half-way, most likely.
      response.destroy()
      options.onError(error)
    })
  })
  server.maxConnections = MAX_CONNECTIONS
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port }, () => {
      server.removeListener('error', reject)
      server.on('error', options.onError)
      const address = server.address()
      if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
      let closing: Promise<void> | null = null
      const close = () => (closing ??= closeServer(server))
      resolve({ host: address.address, port: address.port, close })
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}

async function answer(options: HttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request, options.maxBodyBytes)
  // A body that nobody reads would be taken for the next request.
  if (body === null) response.shouldKeepAlive = false
  const given = body === null ? options.tooLarge : await options.handle(described(request, body))
  response.writeHead(given.status, { ...given.headers, 'content-length': Buffer.byteLength(given.body) })
  response.end(request.method === 'HEAD' ? '' : given.body)
}

function described({ method, url, headers }: IncomingMessage, body: Buffer): HttpRequest {
  const [path = '/', query = ''] = (url ?? '/').split('?', 2)
  return {
    method: method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    host: headers.host ?? '',
    origin: headers.origin ?? '',
    body,
  }
}

async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
