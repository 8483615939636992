import { existsSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { BrokerProcess, BUNDLE, endAll, SOURCE, temporaryFolder } from '../../support/process.ts'

const URL_IN_LOG = /http:\/\/(?:[\d.]+|\[[\da-f:]+\]):\d+/

const lines = (text: string) => text.trimEnd().split('\n')

describe.each([
  ['source', SOURCE],
  ['bundle', BUNDLE],
] as const)('HTTP of a broker started from its %s', (_, program) => {
  afterEach(endAll)

  it('is on when asked for, for this machine, says so in one line, and ends with the broker', async () => {
    const broker = await BrokerProcess.start({ program, args: ['--http', ':0'] })
    expect(lines(broker.stderr)).toHaveLength(1)
    const { level, msg } = JSON.parse(broker.stderr) as { level: number; msg: string }
    expect([level, msg]).toEqual([
      30,
      expect.stringMatching(/^HTTP is on at http:\/\/127\.0\.0\.1:\d+: it shows this broker and makes faults happen/),
    ])
    const url = URL_IN_LOG.exec(msg)![0]
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ state: 'ready' })
    const body = JSON.stringify({ kind: 'black-hole', api: 'Produce' })
    expect((await fetch(`${url}/faults`, { method: 'POST', body })).status).toBe(201)
    const slow = JSON.stringify({ kind: 'slow', delayMs: 5 })
    expect((await fetch(`${url}/disk-faults`, { method: 'POST', body: slow })).status).toBe(201)
    expect(await broker.end('SIGTERM')).toMatchObject({ code: 0 })
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  })

  it('is on by its setting as well, and warns where others reach it', async () => {
    const broker = await BrokerProcess.start({ program, env: { KAFKA_ODRADEK_HTTP_LISTENER: '0.0.0.0:0' } })
    const { level, msg } = JSON.parse(lines(broker.stderr)[0]!) as { level: number; msg: string }
    expect([level, msg]).toEqual([40, expect.stringMatching(/there is no password$/)])
  })

  it('is refused before anything is touched, in one line, where it cannot be', async () => {
    const broker = await BrokerProcess.start({ program, args: ['--http', '0'] })
    const { port } = new URL(URL_IN_LOG.exec(broker.stderr)![0])
    const data = path.join(temporaryFolder(), 'data')
    const cases = [
      ['--http', 'nonsense', '--http nonsense: give [HOST:]PORT, a port from 0 to 65535'],
      ['--set', 'odradek.http.listener=a:b', 'odradek.http.listener'],
      ['--http', port, `odradek.http.listener: the port of ${port} is in use by another program`],
      ['--http', '192.0.2.1:0', 'odradek.http.listener: nothing here has the address of 192.0.2.1:0 (EADDRNOTAVAIL)'],
    ] as const
    for (const [option, value, message] of cases) {
      const ended = await BrokerProcess.run({ program, data, args: [option, value] })
      expect([ended.code, lines(ended.stderr)]).toEqual([1, [expect.stringContaining(message)]])
    }
    expect(existsSync(data)).toBe(false)
  })
})
