import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { runToEnd } from '../../../compat-tests/process.ts'
import { repository, temporaryFolder } from '../../support/process.ts'

/** What reached Node. */
export interface Launched {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** One for each time that Node was started. */
  readonly launched: readonly Launched[]
}

/** Tells what it was started with, and ends. */
const FAKE_NODE = `#!${process.execPath}
const { appendFileSync } = process.getBuiltinModule('node:fs')
const [program, ...args] = process.argv.slice(2)
appendFileSync(process.env.FAKE_NODE_LOG, JSON.stringify({ program, args, env: process.env }) + '\\n')
`

/** The scripts of the image under a folder of their own, with a Node that tells what it is asked for. */
export class ImageRoot {
  readonly folder = temporaryFolder()
  readonly #log = path.join(this.folder, 'node.log')
  readonly #bin = path.join(this.folder, 'fake-bin')

  static async install(): Promise<ImageRoot> {
    const root = new ImageRoot()
    cpSync(path.join(repository, 'docker/rootfs'), root.folder, { recursive: true })
    mkdirSync(root.#bin)
    writeFileSync(path.join(root.#bin, 'node'), FAKE_NODE, { mode: 0o755 })
    const installed = await root.run(['sh', root.path('/opt/odradek/image/install.sh')])
    if (installed.code !== 0) throw new Error(`install.sh: ${installed.stderr}`)
    return root
  }

  path(inImage: string): string {
    return path.join(this.folder, inImage)
  }

  write(inImage: string, content: string): string {
    const file = this.path(inImage)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, content)
    return file
  }

  /** With these variables alone, besides where to find programs and this root. */
  async run(command: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string): Promise<Ran> {
    writeFileSync(this.#log, '')
    const [program, ...args] = command
    const { code, stdout, stderr } = await runToEnd(program!, args, {
      cwd: cwd ?? this.folder,
      env: {
        PATH: `${this.#bin}:${this.path('/usr/bin')}:${process.env['PATH']}`,
        ODRADEK_IMAGE_ROOT: this.folder,
        FAKE_NODE_LOG: this.#log,
        ...env,
      },
    })
    const launched = readFileSync(this.#log, 'utf8').split('\n').filter(Boolean)
    return { code, stdout, stderr, launched: launched.map((line) => JSON.parse(line) as Launched) }
  }
}
