import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { RequestFaults } from '../../src/broker/request-faults.ts'
import { isAllowedHost, isAllowedOrigin } from '../../src/console/allowed-host.ts'
import { ConsoleServer } from '../../src/console/console-server.ts'
import type { MeasuredBudget } from '../../src/console/metrics.ts'
import { matchPath, type Route, RouteError } from '../../src/console/route.ts'
import { DiskFaults } from '../../src/io/disk-faults.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { captureLog, type LogCapture } from '../support/log-capture.ts'

let server: ConsoleServer
let log: LogCapture
const clock = new SimulatedClock()
let faults: RequestFaults
let diskFaults: DiskFaults
const diskBudget: MeasuredBudget = {
  state: 'rejecting',
  usedBytes: 900,
  limitBytes: 800,
  lowBytes: 760,
  rejectedRequests: 7,
  deletedSegments: 3,
  deletedBytes: 300,
  topics: [{ topic: 'orders', state: 'open', usedBytes: 50, leavingBytes: 0, highBytes: 100, lowBytes: 95 }],
}

async function start(options: { host?: string; serve?: boolean; disk?: boolean; routes?: readonly Route[] } = {}) {
  log = captureLog()
  faults = new RequestFaults({ clock, random: 1, apis: [{ key: 0, name: 'Produce' }] })
  diskFaults = new DiskFaults({ clock, random: 1 })
  const { host = '127.0.0.1', routes = [] } = options
  server = await ConsoleServer.start({ listener: { host, port: 0 }, logger: log.logger, routes })
  if (options.serve ?? true)
    server.serve({ faults, diskFaults: (options.disk ?? true) ? diskFaults : null, diskBudget })
}
afterEach(() => server.close())

async function ask(method: string, path: string, body?: unknown) {
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
  const answer = await fetch(server.url + path, { method, ...(text !== undefined && { body: text }) })
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) }
}

/** With a Host header of its own, which fetch does not allow. */
function askAs(headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const asking = request(`${server.url}/faults`, { method, headers }, (answer) => {
      answer.resume()
      resolve(answer.statusCode!)
    })
    asking.on('error', reject)
    asking.end()
  })
}

describe('faults over HTTP', () => {
  it('are added, listed with their counts, and removed', async () => {
    await start()
    const added = await ask('POST', '/faults', { kind: 'disconnect', api: 'Produce', times: 2 })
    expect([added.status, added.headers.get('location')]).toEqual([201, `/faults/${added.body.id}`])
    const subject = { apiKey: 0, clientId: '', connectionId: 1, brokerId: 0, topics: [], groupIds: [] }
    expect(faults.take(subject).effect).toEqual({ kind: 'disconnect' })
    const rule = {
      id: added.body.id,
      kind: 'disconnect',
      description: 'Produce: nothing is done, the connection ends, 2 times',
      matched: 1,
      fired: 1,
      state: 'active',
      expiresInMs: null,
      seed: null,
    }
    expect(await ask('GET', '/faults')).toMatchObject({ status: 200, body: { faults: [rule] } })
    expect(await ask('GET', `/faults/${rule.id}`)).toMatchObject({ status: 200, body: rule })
    expect(await ask('DELETE', `/faults/${rule.id}`)).toMatchObject({ status: 200, body: rule })
    expect(await ask('GET', `/faults/${rule.id}`)).toMatchObject({
      status: 404,
      body: { error: `there is no fault ${rule.id}; there is none` },
    })
    expect(faults.list()).toEqual([])
  })

  it('are removed all at once', async () => {
    await start()
    await ask('POST', '/faults', { kind: 'black-hole' })
    const { body } = await ask('POST', '/faults', { kind: 'delay', delayMs: 5, probability: 0.5, seed: 7 })
    expect(body).toMatchObject({ seed: 7 })
    expect(await ask('DELETE', '/faults/x')).toMatchObject({ status: 404 })
    expect((await ask('DELETE', '/faults')).body.faults).toHaveLength(2)
    expect((await ask('GET', '/faults')).body).toEqual({ faults: [] })
  })

  it('of the disk as well, unless the disk cannot fail', async () => {
    await start()
    const { body } = await ask('POST', '/disk-faults', { kind: 'full', path: '*.log' })
    expect(body.description).toBe('write of *.log: the disk is full')
    expect(diskFaults.list()).toHaveLength(1)
    expect((await ask('DELETE', `/disk-faults/${body.id}`)).status).toBe(200)
    await server.close()
    await start({ disk: false })
    expect(await ask('GET', '/disk-faults')).toMatchObject({ status: 404, body: { error: expect.any(String) } })
  })

  it.each([
    [{ kind: 'error', errorCode: 'NOPE' }, 'errorCode', 'errorCode: NOPE is not an error of Kafka'],
    [{ kind: 'disconnect', tpoic: 'x' }, 'tpoic', 'tpoic: a fault of kind disconnect has no such field; it may have'],
    [[1], 'fault', 'fault: an object with at least a kind is expected'],
    ['{', undefined, 'the body is not JSON'],
    [undefined, 'fault', 'fault: an object with at least a kind is expected'],
  ])('%j is refused in words', async (fault, field, message) => {
    await start()
    const { status, body } = await ask('POST', '/faults', fault)
    expect([status, body.field]).toEqual([400, field])
    expect(body.error).toContain(message)
    expect(faults.list()).toEqual([])
  })
})

describe('the console', () => {
  it('lists its routes', async () => {
    await start()
    const { body } = await ask('GET', '/')
    expect(body.routes.map(({ method, path }: { method: string; path: string }) => `${method} ${path}`)).toEqual([
      ...['GET /', 'GET /healthz', 'GET /readyz', 'GET /metrics'],
      ...['GET /faults', 'POST /faults', 'DELETE /faults', 'GET /faults/{id}', 'DELETE /faults/{id}'],
      ...['GET /disk-faults', 'POST /disk-faults', 'DELETE /disk-faults'],
      ...['GET /disk-faults/{id}', 'DELETE /disk-faults/{id}'],
    ])
  })

  it('knows a broker that is starting', async () => {
    await start({ serve: false })
    expect(await ask('GET', '/healthz')).toMatchObject({ status: 200, body: { state: 'starting' } })
    expect(await ask('GET', '/readyz')).toMatchObject({ status: 503, body: { state: 'starting' } })
    expect(await ask('GET', '/faults')).toMatchObject({ status: 503, body: { error: 'the broker is starting' } })
    server.serve({ faults, diskFaults, diskBudget })
    expect(await ask('GET', '/readyz')).toMatchObject({ status: 200, body: { state: 'ready' } })
  })

  it('refuses what it does not know, and says what there is', async () => {
    await start()
    expect(await ask('GET', '/nothing')).toMatchObject({
      status: 404,
      body: { error: expect.stringMatching(/GET \//) },
    })
    const { status, headers, body } = await ask('PUT', '/faults')
    expect([status, headers.get('allow')]).toEqual([405, 'GET, POST, DELETE'])
    expect(body.error).toBe('/faults cannot be asked for with PUT; allowed: GET, POST, DELETE')
    expect((await ask('POST', '/healthz')).headers.get('allow')).toBe('GET')
    expect((await ask('GET', '/faults/%ff')).status).toBe(400)
    expect((await fetch(`${server.url}/faults`, { method: 'HEAD' })).status).toBe(200)
  })

  it('takes bodies up to a limit', async () => {
    await start()
    const { status, body } = await ask('POST', '/faults', 'x'.repeat(70_000))
    expect([status, body]).toEqual([413, { error: 'a body may have 65536 bytes' }])
    expect((await ask('GET', '/faults')).status).toBe(200)
  })

  it('answers only who means it: no name of another, no page of another', async () => {
    await start()
    const { port } = new URL(server.url)
    expect(await askAs({ host: `evil.example:${port}` })).toBe(403)
    expect(await askAs({ host: `localhost:${port}` })).toBe(200)
    expect(await askAs({ origin: 'http://evil.example' }, 'DELETE')).toBe(403)
    expect(await askAs({ origin: server.url }, 'DELETE')).toBe(200)
    const { headers } = await ask('GET', '/faults')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  it('says that it is on, where, and for whom', async () => {
    await start()
    expect(log.lines.map(({ level, msg }) => [level, msg])).toEqual([
      [30, `HTTP is on at ${server.url}: it shows this broker and makes faults happen, for everybody on this machine`],
    ])
    await server.close()
    await start({ host: '0.0.0.0' })
    expect(log.warnings).toHaveLength(1)
    expect(log.warnings[0]!.msg).toMatch(/for everybody who reaches that address: there is no password$/)
  })

  it('takes more routes, and a failure of one is told without its inside', async () => {
    const route = (path: string, handle: Route['handle']): Route => ({ method: 'GET', path, summary: 'x', handle })
    await start({
      routes: [
        route('/topics/{name}', async (_context, { name }) => ({ status: 200, body: name })),
        route('/broken', () => {
          throw new Error('secret')
        }),
        route('/busy', () => {
          throw new RouteError(409, 'not now')
        }),
      ],
    })
    expect((await ask('GET', '/topics/a%20b')).body).toBe('a b')
    expect(await ask('GET', '/broken')).toMatchObject({
      status: 500,
      body: { error: 'GET /broken failed; the log says why' },
    })
    expect(await ask('GET', '/busy')).toMatchObject({ status: 409, body: { error: 'not now' } })
    expect(log.warnings.map(({ msg }) => msg)).toEqual(['GET /broken failed'])
  })

  it('closes with connections open, and twice', async () => {
    await start()
    await ask('GET', '/faults')
    const { port } = new URL(server.url)
    const half = connect(Number(port), '127.0.0.1')
    half.on('error', () => {})
    await new Promise((resolve) => half.once('connect', resolve))
    const gone = new Promise((resolve) => half.once('close', resolve))
    half.write('GET / HTTP/1.1\r\n')
    await Promise.all([server.close(), server.close()])
    await gone
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow()
  })

  it('fails to start where the port is taken, as Node does', async () => {
    await start()
    const listener = { host: '127.0.0.1', port: Number(new URL(server.url).port) }
    await expect(ConsoleServer.start({ listener, logger: log.logger })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

describe('hosts', () => {
  it.each([
    ['localhost', ['127.0.0.1'], true],
    ['LOCALHOST:9644', ['127.0.0.1'], true],
    ['127.0.0.1:9644', ['127.0.0.1'], true],
    ['127.9.9.9', ['127.0.0.1'], true],
    ['[::1]:9644', ['::1'], true],
    ['evil.example', ['127.0.0.1'], false],
    ['127.evil.example', ['127.0.0.1'], false],
    ['localhost.evil.example:9644', ['127.0.0.1'], false],
    ['', ['127.0.0.1'], false],
    ['localhost@evil.example', ['127.0.0.1'], false],
    ['192.168.1.5:9644', ['127.0.0.1'], false],
    ['192.168.1.5:9644', ['0.0.0.0', '0.0.0.0'], true],
    ['[fe80::1]:9644', ['::', '::'], true],
    ['evil.example', ['0.0.0.0', '0.0.0.0'], false],
    ['odradek:9644', ['odradek', '10.0.0.7'], true],
    ['10.0.0.7:9644', ['odradek', '10.0.0.7'], true],
  ])('%s at %j: %s', (header, bound, expected) => {
    expect(isAllowedHost(header, bound)).toBe(expected)
  })

  it('pages of the server itself may ask', () => {
    expect(isAllowedOrigin('', 'localhost:9644')).toBe(true)
    expect(isAllowedOrigin('http://localhost:9644', 'LocalHost:9644')).toBe(true)
    expect(isAllowedOrigin('http://localhost:3000', 'localhost:9644')).toBe(false)
    expect(isAllowedOrigin('null', 'localhost:9644')).toBe(false)
  })
})

it('paths match part by part', () => {
  expect(matchPath('/faults/{id}', '/faults/a-1')).toEqual({ id: 'a-1' })
  expect(matchPath('/faults/{id}', '/faults/')).toBeNull()
  expect(matchPath('/faults/{id}', '/faults/a/b')).toBeNull()
  expect(matchPath('/faults', '/Faults')).toBeNull()
})

describe('metrics over HTTP', () => {
  it('tell how the disk budget stands', async () => {
    await start()
    const answer = await fetch(`${server.url}/metrics`)
    expect(answer.headers.get('content-type')).toContain('text/plain')
    const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines).toEqual([
      'odradek_disk_budget_used_bytes 900',
      'odradek_disk_budget_used_bytes{topic="orders"} 50',
      'odradek_disk_budget_high_bytes 800',
      'odradek_disk_budget_high_bytes{topic="orders"} 100',
      'odradek_disk_budget_low_bytes 760',
      'odradek_disk_budget_low_bytes{topic="orders"} 95',
      'odradek_disk_budget_state{state="open"} 0',
      'odradek_disk_budget_state{topic="orders",state="open"} 1',
      'odradek_disk_budget_state{state="deleting"} 0',
      'odradek_disk_budget_state{topic="orders",state="deleting"} 0',
      'odradek_disk_budget_state{state="rejecting"} 1',
      'odradek_disk_budget_state{topic="orders",state="rejecting"} 0',
      'odradek_disk_budget_rejected_requests_total 7',
      'odradek_disk_budget_deleted_segments_total 3',
      'odradek_disk_budget_deleted_bytes_total 300',
    ])
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('rejected_requests_total 7\n')
  })
})
