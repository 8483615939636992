import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runChecked, runToEnd } from '../../../compat-tests/process.ts'
import { API_REPORT, makeApiReport } from '../../../scripts/api-report.ts'
import { cleanEnvironment, repository } from '../../support/process.ts'
import { installPackage, nodeOf, packagesWithInstallScripts, packPackage } from './installed-package.ts'

let tarball: string
let project: string

beforeAll(async () => {
  tarball = await packPackage()
  project = await installPackage(tarball)
}, 120_000)

/** A program of the development dependencies. */
function tool(name: string, args: readonly string[], cwd = repository) {
  return runToEnd(path.join(repository, 'node_modules', '.bin', name), args, { cwd, env: cleanEnvironment() })
}

const PROGRAMS = ['index', 'jest', 'jest-reset', 'jest-run', 'jest-setup', 'jest-teardown', 'testcontainers']
const FILES = [
  ...['CHANGELOG.md', 'LICENSE', 'README.md', 'README.zh.md', 'bin/odradek.cjs'],
  ...['contrib/odradek.properties', 'contrib/odradek.service', 'contrib/odradek.sh'],
  ...['dist/odradek.cjs', 'dist/tools.cjs', 'package.json'],
  ...['dist/index.d.ts', 'dist/index.js'],
  ...PROGRAMS.flatMap((name) => [`dist/${name}.cjs`, `dist/${name}.d.cts`]),
  ...['vitest', 'vitest-reset', 'vitest-setup'].flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]),
].sort()

describe('the package', () => {
  it('has what is needed, and nothing else', async () => {
    const { stdout } = await runChecked('tar', ['-tzf', tarball])
    const files = stdout
      .trim()
      .split('\n')
      .map((name) => name.replace(/^package\//, ''))
    expect(files.sort()).toEqual(FILES)
  })

  it('runs nothing when it is installed, nor does what it needs', () => {
    expect(packagesWithInstallScripts(project)).toEqual([])
  })

  it('is one that publint finds nothing wrong with', async () => {
    const { code, stdout } = await tool('publint', ['run', tarball, '--strict'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('All good!') })
  })

  it.each([
    [
      'for require and import',
      ['--profile', 'node16', '--exclude-entrypoints', 'vitest', 'vitest/setup', 'vitest/reset'],
    ],
    [
      'for Vitest, which knows ES modules only',
      ['--profile', 'esm-only', '--entrypoints', 'vitest', 'vitest/setup', 'vitest/reset'],
    ],
  ])('has types that resolve %s', async (_, args) => {
    const { code, stdout } = await tool('attw', [tarball, '--format', 'ascii', '--no-emoji', ...args])
    expect(code, stdout).toBe(0)
  })

  it('says of everything that can be named what it is', () => {
    const undocumented: string[] = []
    for (const file of FILES.filter((name) => /\.d\.c?ts$/.test(name))) {
      const lines = readFileSync(path.join(project, 'node_modules', 'odradek', file), 'utf8').split('\n')
      let inClass = false
      for (const [at, line] of lines.entries()) {
        const declared = /^(?:declare )?(class|interface|type|function) /.exec(line)
        if (/^\S/.test(line)) inClass = declared?.[1] === 'class'
        const isMember = inClass && /^ {4}(?:readonly |get )?[a-z]\w*[(:<]/i.test(line)
        if ((declared || isMember) && !lines[at - 1]!.endsWith('*/')) undocumented.push(`${file}: ${line.trim()}`)
      }
    }
    expect(undocumented).toEqual([])
  })

  it('exports what docs/api-report.md says; `npm run api-report` writes it anew', () => {
    expect(readFileSync(API_REPORT, 'utf8')).toBe(makeApiReport())
  })
})

describe('the declarations of the package', () => {
  const SAMPLE = `
    import { startBroker, type StartOptions } from 'odradek'
    const options: StartOptions = { brokers: 3, topics: ['a', { name: 'b', partitions: 2 }], http: 0 }
    export async function sample(): Promise<number> {
      const broker = await startBroker(options)
      const stop = broker.intercept(({ topic }) => (topic === 'a' ? { reject: 'INVALID_RECORD' } : null))
      broker.on('rebalance', ({ groupId, reason }) => console.log(groupId.length, reason.length))
      for await (const { text, headers } of broker.topic('a').messages({ follow: true })) {
        if (text === null) console.log(headers.length)
      }
      await broker.reset({ prefix: 'a' })
      await broker.restore(await broker.snapshot())
      stop()
      // @ts-expect-error there is no such thing
      broker.nothing()
      return broker.faults.fired(broker.faults.add({ kind: 'disconnect', api: 'Fetch', times: 1 }).id)
    }
    import setup from 'odradek/jest/setup'
    export const jestSetup: () => Promise<void> = setup.brokerSetup(options)
  `
  const WITH_VITEST = `${SAMPLE}
    import { brokerSetup } from 'odradek/vitest/setup'
    import { broker } from 'odradek/vitest'
    import { inject } from 'vitest'
    export default brokerSetup(options)
    export const names: string[] = [broker.topic('a'), inject('odradek').httpUrl]
    import { OdradekContainer, type StartedOdradekContainer } from 'odradek/testcontainers'
    export async function inContainer(): Promise<string> {
      const prepared = new OdradekContainer().withTopics('a').withEnvironment({ A: 'b' }).withBrokers(3)
      const container: StartedOdradekContainer = await prepared.start()
      await container.addFault({ kind: 'disconnect', topic: 'a*', times: 1 })
      // @ts-expect-error no RegExp goes over HTTP
      await container.addFault({ kind: 'disconnect', topic: /a/ })
      return container.getBootstrapServers()
    }
  `
  const WITH_REQUIRE = `
    import odradek = require('odradek')
    export = odradek.startBroker({ topics: ['a'] }).then(({ bootstrapServers }) => bootstrapServers.length)
  `

  beforeAll(() => {
    const modules = path.join(project, 'node_modules')
    mkdirSync(path.join(modules, '@types'), { recursive: true })
    for (const name of ['@types/node', 'testcontainers', 'vitest']) {
      symlinkSync(path.join(repository, 'node_modules', name), path.join(modules, name))
    }
  })

  it.each([
    ['nodenext', 'nodenext', 'sample.mts', WITH_VITEST],
    ['node16', 'node16', 'sample.cts', WITH_REQUIRE],
    ['esnext', 'bundler', 'bundled.ts', WITH_VITEST],
  ])('compile with module %s and resolution %s', async (module, moduleResolution, file, sample) => {
    const folder = path.join(project, module)
    mkdirSync(folder)
    writeFileSync(path.join(folder, file), sample)
    const args = [
      '--strict',
      '--noEmit',
      '--target',
      'es2023',
      '--lib',
      'es2023,esnext.disposable',
      '--esModuleInterop',
    ]
    const more = ['--module', module, '--moduleResolution', moduleResolution, '--types', 'node']
    const { code, stdout } = await tool('tsc', [...args, ...more, path.join(folder, file)], folder)
    expect(code, stdout).toBe(0)
  })
})

describe('the package in a program', () => {
  const BODY = `
    const broker = await startBroker({ topics: ['greetings'] })
    const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ idempotent: true })
    await producer.connect()
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
      await producer.send({ topic: 'greetings', compression, messages: [{ value: 'hello' }] })
    }
    await producer.disconnect()
    const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'greetings', fromBeginning: true })
    let seen = 0
    await consumer.run({ eachMessage: async ({ message }) => { if (String(message.value) === 'hello') seen++ } })
    await broker.waitForGroup('readers', 'caught up')
    await consumer.disconnect()
    await broker.close()
    console.log(process.version.split('.')[0], seen, 'closed')
  `
  const PROGRAMS: readonly (readonly [file: string, text: string])[] = [
    [
      'imports.mjs',
      `import { startBroker } from 'odradek'
       import kafkajs from 'kafkajs'
       const { Kafka, logLevel, CompressionTypes } = kafkajs
       ${BODY}`,
    ],
    [
      'requires.cjs',
      `const { startBroker } = require('odradek')
       const { Kafka, logLevel, CompressionTypes } = require('kafkajs')
       async function main() { ${BODY} }
       main()`,
    ],
  ]

  async function runs(node: string, folder: string): Promise<string[]> {
    const outputs: string[] = []
    for (const [file, text] of PROGRAMS) {
      writeFileSync(path.join(folder, file), text)
      // It has to end by itself: nothing may be left that holds the process.
      const { stdout } = await runChecked(node, [file], { cwd: folder, env: cleanEnvironment() })
      outputs.push(stdout.trim())
    }
    return outputs
  }

  it.each(['22.18.0', '24.9.0', '26.10.0'])(
    'Node.js %s: starts, serves a client, closes, and the process ends',
    async (version) => {
      const major = `v${version.split('.')[0]}`
      expect(await runs(await nodeOf(version), project)).toEqual([`${major} 2 closed`, `${major} 2 closed`])
    },
  )

  it('does the same where no addon has a build for the platform', async () => {
    const folder = await installPackage(tarball, ['--omit=optional'])
    expect(await runs(process.execPath, folder)).toEqual(['v24 2 closed', 'v24 2 closed'])
  })
})
