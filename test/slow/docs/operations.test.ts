import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort, runToEnd } from '../../../compat-tests/process.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { cleanEnvironment, endAll, repository, temporaryFolder } from '../../support/process.ts'
import { packPackage } from '../package/installed-package.ts'

const page = readFileSync(path.join(repository, 'docs/operations.md'), 'utf8')
/** Of each section that has some, the commands in their order. */
const sections = new Map(
  page.split(/^## /m).map((section) => {
    const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)
    return [section.slice(0, section.indexOf('\n')), blocks]
  }),
)

/** systemd, as far as the page goes: what the unit says is started, and SIGTERM stops it. */
const SYSTEMCTL = `#!/bin/sh
set -e
case $1 in
  daemon-reload) exit ;;
  enable | start)
    unit=ROOT/etc/systemd/system/odradek.service
    mkdir -p ROOT/var/lib/odradek
    cd ROOT/var/lib/odradek
    nohup $(sed -n 's/^ExecStart=//p' "$unit" | sed 's| /| ROOT/|g; s|^/|ROOT/|') > ROOT/log 2>&1 &
    echo $! > ROOT/pid
    for _ in $(seq 1200); do
      if grep -q '^Odradek is ready' ROOT/log; then exit 0; fi
      kill -0 "$(cat ROOT/pid)" || break
      sleep 0.05
    done
    cat ROOT/log >&2
    exit 1
    ;;
  stop)
    kill -s TERM "$(cat ROOT/pid)"
    while kill -0 "$(cat ROOT/pid)" 2> /dev/null; do sleep 0.05; done
    ;;
esac
`

/** A machine in a folder: absolute paths of the page lie in it, and what only root may do is done by nobody. */
class Server {
  readonly root = temporaryFolder()
  readonly port: number

  constructor(port: number) {
    this.port = port
    for (const folder of ['bin', 'opt', 'etc/systemd/system', 'usr/local/bin', 'var/lib', 'var/backups']) {
      mkdirSync(path.join(this.root, folder), { recursive: true })
    }
    const programs = { systemctl: SYSTEMCTL, useradd: '#!/bin/sh\n', chown: '#!/bin/sh\n' }
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(path.join(this.root, 'bin', name), text.replaceAll('ROOT', this.root), { mode: 0o755 })
    }
  }

  async run(commands: string): Promise<string> {
    const script = this.#moved(commands)
    const place = (folder: string) => path.join(this.root, folder)
    const PATH = [place('bin'), place('usr/local/bin'), path.dirname(process.execPath), process.env['PATH']].join(':')
    const options = { cwd: this.root, env: { ...cleanEnvironment(), PATH }, timeoutMs: 100_000 }
    const { code, stdout, stderr } = await runToEnd('sh', ['-ec', script], options)
    expect(code, `${commands}\n${stdout}${stderr}`).toBe(0)
    this.#settle()
    return stdout
  }

  #moved(text: string): string {
    return text.replaceAll(/(?<![\w.])\/(?=(?:opt|etc|usr\/local|var)\/|opt\b)/g, `${this.root}/`)
  }

  /** The files that were copied name places of the machine, and the port. */
  #settle(): void {
    for (const file of ['etc/odradek.properties', 'usr/local/bin/odradek']) {
      const place = path.join(this.root, file)
      if (!existsSync(place)) continue
      const text = readFileSync(place, 'utf8')
      if (text.includes(this.root)) continue
      writeFileSync(place, this.#moved(text).replace('127.0.0.1:9092', `127.0.0.1:${this.port}`), { mode: 0o755 })
    }
  }

  end(): Promise<string> {
    return this.run('[ ! -f pid ] || systemctl stop odradek')
  }
}

/** The archive of the first block: npm and the package of this repository, with the Node.js that is here. */
async function makeArchive(server: Server): Promise<void> {
  const tarball = await packPackage()
  const [make] = sections.get('Install')!
  expect(make).toContain('npm install --prefix odradek odradek node@24\n')
  const quiet = '--ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error'
  const [, ...rest] = make!.split('\n')
  await server.run(`npm install --prefix odradek ${quiet} '${tarball}'`)
  const modules = path.join(server.root, 'odradek/node_modules')
  symlinkSync(path.join(repository, 'node_modules/node'), path.join(modules, 'node'))
  cpSync(path.join(repository, 'contrib'), path.join(modules, 'odradek/contrib'), { recursive: true })
  await server.run(rest.join('\n'))
}

describe('the page about one server', () => {
  afterEach(endAll)

  it('installs, starts, is checked, backed up, restored and upgraded as the page says', async () => {
    const server = new Server(await freePort())
    await makeArchive(server)
    const [, install] = sections.get('Install')!
    const [enable, ...before] = install!.trim().split('\n').reverse()
    await server.run(before.reverse().join('\n'))
    try {
      await server.run(enable!)
      const client = await PlainClient.connect(server.port)
      await client.createTopic('kept')
      await client.produce('kept', ['one'])
      await client.close()
      for (const section of ['The data directory', 'Backup and restore', 'Upgrade']) {
        for (const block of sections.get(section)!) await server.run(block)
      }
      expect(await server.run('odradek verify /var/lib/odradek/data')).toMatch(/0 errors/)
      expect(readdirSync(path.join(server.root, 'var/lib/odradek')).sort()).toEqual(['data', 'data.damaged'])
      expect(readdirSync(path.join(server.root, 'var/lib/odradek/data'))).toContain('kept-0')
    } finally {
      await server.end()
    }
  })

  it('has a unit whose settings systemd knows', async () => {
    const text = readFileSync(path.join(repository, 'contrib/odradek.service'), 'utf8')
    const keys = text.split('\n').filter((line) => line !== '' && !/^[#[]/.test(line))
    expect(keys.filter((line) => !/^[A-Z]\w+=/.test(line))).toEqual([])
    expect(text).toMatch(/^\[Unit\][\s\S]*^\[Service\][\s\S]*^\[Install\]/m)
  })
})
