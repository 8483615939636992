import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { BrokerProcess, type Ended, endAll, type Program, temporaryFolder } from '../../support/process.ts'
import { WireClient } from '../../support/wire-client.ts'

const NOBODY = 65534

/** What the command promises at its start, whichever file it is started from. */
export function commandLineTests(title: string, program: Program): void {
  describe(`${title}: start`, () => {
    afterEach(endAll)

    const refused = async (...args: string[]) => {
      const ended = await BrokerProcess.run({ program, args })
      expectOneLine(ended)
      return ended.stderr
    }

    it('prints one line when it is ready: where, and the data directory', async () => {
      const broker = await BrokerProcess.start({ program })
      expect(broker.stdout).toBe(`Odradek is ready on localhost:${broker.port}, data in ${broker.data}\n`)
      expect(broker.stderr).toBe('')
      expect((await broker.end('SIGTERM')).stdout.split('\n')).toHaveLength(2)
    })

    it('--port 0 prints the port that was found, and a client is answered there at once', async () => {
      const broker = await BrokerProcess.start({ program, port: 0 })
      expect(broker.port).toBeGreaterThan(0)
      const client = await WireClient.connect(broker.port)
      const versions = await client.send(ApiVersions, 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
      expect(versions.errorCode).toBe(0)
      await client.close()
    })

    it.each([
      ['--version', /^\d+\.\d+\.\d+\n$/],
      ['--help', /^Usage: odradek [\s\S]*--port[\s\S]*--data[\s\S]*--durability[\s\S]*--set[\s\S]*--config/],
    ])('%s prints and ends with 0', async (option, expected) => {
      const ended = await BrokerProcess.run({ program, args: [option] })
      expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
      expect(ended.stdout).toMatch(expected)
    })

    it.each([
      ['num.partitions=0', 'num.partitions', '0', '[1,...]'],
      ['message.max.bytes=large', 'message.max.bytes', 'large', '[0,...]'],
      ['auto.create.topics.enable=maybe', 'auto.create.topics.enable', 'maybe', 'true, false'],
      ['log.cleanup.policy=burn', 'log.cleanup.policy', 'burn', '[compact, delete]'],
      ['odradek.durability=paper', 'odradek.durability', 'paper', '[disk, os]'],
      ['num.network.threads=99999999999', 'num.network.threads', '99999999999', 'INT'],
    ])('--set %s is refused with one line that names setting, value and range', async (text, name, value, range) => {
      const line = await refused('--set', text)
      expect(line).toContain(name)
      expect(line).toContain(value)
      expect(line).toContain(range)
    })

    it.each([
      [['--port', '70000'], '--port 70000: a port is a number from 0 to 65535'],
      [['--port', '-1'], '--port -1: a port is a number from 0 to 65535'],
      [['--port', 'http'], '--port http: a port is a number from 0 to 65535'],
      [['--durability', 'paper'], 'odradek.durability'],
      [['--data', '--set', 'a=b'], '--data needs a value'],
      [['--set'], '--set needs a value'],
      [['--set', 'num.partitions'], '--set num.partitions: a setting has the form NAME=VALUE'],
      [['--set', '=3'], '--set =3: a setting has the form NAME=VALUE'],
      [['--colour'], "unknown option '--colour'"],
      [['-x'], "unknown option '-x'"],
      [['topics'], "unexpected argument 'topics'"],
      [['--config', '/nowhere/server.properties'], '--config /nowhere/server.properties: there is no such file'],
    ])('%j is refused with one line', async (args, expected) => {
      expect(await refused(...args)).toContain(expected)
    })

    it('a log level that does not exist is refused with one line', async () => {
      const ended = await BrokerProcess.run({ program, env: { ODRADEK_LOG_LEVEL: 'loud' } })
      expectOneLine(ended)
      expect(ended.stderr).toMatch(/ODRADEK_LOG_LEVEL.*loud.*debug, info, warn, error/)
    })

    it('a port in use is refused with one line that says so', async () => {
      const other = createServer()
      const port = await new Promise<number>((resolve) => {
        other.listen(0, () => resolve((other.address() as { port: number }).port))
      })
      try {
        expect(await refused('--port', String(port))).toContain(`port ${port} is in use`)
      } finally {
        other.close()
      }
    })

    it('a data directory that another process uses is refused, and the other process goes on', async () => {
      const first = await BrokerProcess.start({ program })
      const ended = await BrokerProcess.run({ program, data: first.data })
      expectOneLine(ended)
      expect(ended.stderr).toContain(`${first.data} is in use by the process ${first.child.pid}`)
      const client = await WireClient.connect(first.port)
      expect((await client.send(ApiVersions, 0, {})).errorCode).toBe(0)
      await client.close()
    })

    it('a data directory below a file is refused with one line that names it', async () => {
      const file = path.join(temporaryFolder(), 'file')
      writeFileSync(file, '')
      for (const data of [file, path.join(file, 'data')]) {
        const ended = await BrokerProcess.run({ program, data })
        expectOneLine(ended)
        expect(ended.stderr).toContain(`cannot use ${data}`)
      }
    })

    it('a data directory that may not be written is refused with one line', async () => {
      const parent = path.join(temporaryFolder(), 'closed')
      mkdirSync(parent)
      chmodSync(path.dirname(parent), 0o755)
      chmodSync(parent, 0o555)
      const data = path.join(parent, 'data')
      // Nothing is forbidden to root, so it sends somebody else.
      const ended = await BrokerProcess.run({ program, data, ...(process.getuid?.() === 0 ? { uid: NOBODY } : {}) })
      expectOneLine(ended)
      expect(ended.stderr).toContain(`cannot use ${data}: this user may not read or write it`)
    })

    it('a password is never printed', async () => {
      const args = ['--set', 'ssl.keystore.password=hunter2', '--set', 'no.such.setting=1']
      const broker = await BrokerProcess.start({ program, args, env: { ODRADEK_LOG_LEVEL: 'trace' } })
      const { stdout, stderr } = await broker.end('SIGTERM')
      expect(stdout + stderr).not.toContain('hunter2')
      expect(stderr).toContain('ssl.keystore.password')
      expect(stderr).toContain('no.such.setting')
    })
  })
}

/** Exit code 1, nothing on standard output, one line and no stack on standard error. */
function expectOneLine({ code, signal, stdout, stderr }: Ended): void {
  expect({ code, signal, stdout }, stderr).toEqual({ code: 1, signal: null, stdout: '' })
  expect(stderr).toMatch(/^odradek: [^\n]+\n$/)
}
