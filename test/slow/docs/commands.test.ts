import { spawn } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { endProcess, onText, runToEnd } from '../../../compat-tests/process.ts'
import { PlainClient } from '../../support/plain-client.ts'
import {
  BrokerProcess,
  cleanEnvironment,
  endAll,
  hasCleanShutdownMark,
  repository,
  temporaryFolder,
  withTimeout,
} from '../../support/process.ts'

const WAIT_MS = 60_000
const documents = ['README.md', 'README.zh.md', 'CONTRIBUTING.md', ...globSync('docs/*.md', { cwd: repository })]
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

interface Command {
  readonly document: string
  readonly line: string
}

function read(file: string): string {
  return readFileSync(path.join(repository, file), 'utf8')
}

/** The text of all fenced blocks in a language. */
function blocks(document: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')
  return [...read(document).matchAll(fence)].map((match) => match[1]!)
}

/** When, and then what; a per cent sign has a meaning of its own there. */
const CRON = /^(?:\S+ ){5}(.+)$/

function commandsOf(document: string): string[] {
  return ['sh', 'bash', 'shell', 'console', 'cron']
    .flatMap((language) => blocks(document, language))
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .map((line) => (/^[\d*]/.test(line) ? CRON.exec(line)![1]!.replaceAll('\\%', '%') : line))
    .filter((line) => line !== '')
}

/** These have a meaning only one after the other: operations.test.ts runs them so. */
const commandsOfOneServer = commandsOf('docs/operations.md').filter((line) => !line.startsWith('curl '))

const commands: Command[] = documents.flatMap((document) =>
  commandsOf(document)
    .filter((line) => !commandsOfOneServer.includes(line))
    .map((line) => ({ document, line })),
)

/** What a line of the documents is, and how it is shown to work. The first that fits counts. */
const checks: readonly (readonly [pattern: RegExp, check: (match: RegExpExecArray) => Promise<void> | void])[] = [
  [/^npm ci && npm start$/, () => startsWithNpm([])],
  // This very test is part of it.
  [/^npm ci && npm (test)$/, (match) => isScript(match[1]!)],
  [/^cd \/srv\/odradek && (.+)$/, (match) => runsOnData(match[1]!)],
  [/^(?:odradek (?:verify|backup)|cp) .+$/, (match) => runsOnData(match[0])],
  [/^npm start -- (.+)$/, (match) => startsWith(wordsOf(match[1]!))],
  [
    /^(?:[^|]+ \| )?(?:npx )?odradek (?:topics|produce|consume|groups|configs|doctor)\b.*$/,
    (match) => asksByCommand(match[0]),
  ],
  [/^(?:npx )?odradek(?: (.+))?$/, (match) => startsWith(wordsOf(match[1] ?? ''))],
  [/^npm (?:run )?([\w:-]+)(?: -- .+)?$/, (match) => isScript(match[1]!)],
  [/^node ([\w./-]+)(?: .*)?$/, (match) => isFile(match[1]!)],
  [/^docker build(?: .+)? \.$/, () => isFile('Dockerfile')],
  // In the folder that docker/context.ts writes.
  [/^docker build(?: .+)? image$/, () => isFile('docker/packed.Dockerfile')],
  // Its first process is the broker itself, and what it executes are links to the command line.
  [/^docker stop kafka$/, () => startsWith([])],
  [/^docker exec kafka (kafka-.+)$/, (match) => asksBroker(wordsOf(match[1]!))],
  [/^curl (.+)$/, (match) => isAnswered(match[1]!)],
  [/^docker run (?:.+ )?odradek(?: (.+))?$/, (match) => startsWith(wordsOf(match[1] ?? ''))],
]

function wordsOf(text: string): string[] {
  return text.split(' ').filter(Boolean)
}

/** Asked of a broker that has a fault of each sort, a topic `stock` with a message, and a snapshot: GET, or what -X and -d say. */
async function isAnswered(args: string): Promise<void> {
  const match = /^(?:-X ([A-Z]+) )?(?:-d '([^']+)' )?http:\/\/localhost:9644(\/\S*)$/.exec(args)
  expect(match, 'a curl that this test does not understand').not.toBeNull()
  const [, method, body, path] = match!
  // What is about one of several brokers is asked of three, with a topic that each of them may lead.
  const ofCluster = /^\/brokers\/|\/leader$/.test(path!)
  const broker = await BrokerProcess.start({ args: ['--http', ':0', ...(ofCluster ? ['--brokers', '3'] : [])] })
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(broker.stderr)![0]
  const add = (to: string, what?: object) =>
    fetch(url + to, { method: 'POST', ...(what && { body: JSON.stringify(what) }) })
  await add('/faults', { kind: 'disconnect', topic: 'nobody-asks' })
  await add('/disk-faults', { kind: 'full', path: 'nothing-is-here' })
  if (ofCluster) await add('/topics', { topics: ['stock'] })
  else if (!body?.includes('"stock"')) await createStock(broker.port)
  await add('/snapshots')
  const answer = await fetch(url + path, { method: method ?? (body ? 'POST' : 'GET'), ...(body && { body }) })
  expect([answer.ok, await answer.json()]).toEqual([true, expect.anything()])
}

async function createStock(port: number): Promise<void> {
  const client = await PlainClient.connect(port)
  await client.createTopic('stock')
  await client.produce('stock', ['one'])
  await client.close()
}

function isScript(name: string): void {
  expect(Object.keys(scripts)).toContain(name)
  const program = /^node ([\w./-]+\.(?:ts|cjs))/.exec(scripts[name]!)
  if (program !== null) isFile(program[1]!)
}

function isFile(file: string): void {
  expect(existsSync(path.join(repository, file)), file).toBe(true)
}

/** A tool of Kafka's, as the image has it. */
async function asksBroker(words: readonly string[]): Promise<void> {
  const broker = await BrokerProcess.start()
  const args = words.map((word) => (word === 'localhost:9092' ? broker.bootstrap : word))
  const launcher = path.join(repository, 'bin/odradek.cjs')
  const { code, stdout, stderr } = await runToEnd(process.execPath, [launcher, ...args], { env: cleanEnvironment() })
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
}

/** With a port and a folder of its own; where the line names a file, there is one. */
async function startsWith(args: readonly string[]): Promise<void> {
  const folder = temporaryFolder()
  writeFileSync(path.join(folder, 'server.properties'), 'num.partitions=2\n')
  const broker = await BrokerProcess.start({
    cwd: folder,
    port: null,
    args: [...args, '--port', '0'].map((one) => one.replace(/^:9644$/, ':0')),
  })
  const client = await PlainClient.connect(broker.port)
  await client.createTopic('documented')
  await client.close()
  expect(await broker.end('SIGTERM')).toMatchObject({ code: 0 })
}

/** By a shell, in a folder with the data of a broker, and the backup that the line speaks of unless it makes it. */
async function runsOnData(line: string): Promise<void> {
  const folder = temporaryFolder()
  const data = path.join(folder, 'data')
  const broker = await BrokerProcess.start({ data })
  const client = await PlainClient.connect(broker.port)
  await client.createTopic('documented')
  await client.produce('documented', ['one'])
  await client.close()
  expect(await broker.end('SIGTERM')).toMatchObject({ code: 0 })
  if (!line.includes('backup data')) cpSync(data, path.join(folder, 'backups', 'today'), { recursive: true })
  const { code, stdout, stderr } = await runToEnd('sh', ['-c', line], { cwd: folder, env: withOdradek(folder) })
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
}

/** The surroundings of a shell that finds `odradek`. */
function withOdradek(folder: string): Record<string, string> {
  const command = path.join(folder, 'bin', 'odradek')
  mkdirSync(path.dirname(command))
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${repository}/bin/odradek.cjs' "$@"\n`, {
    mode: 0o755,
  })
  return { ...cleanEnvironment(), PATH: `${path.dirname(command)}:${process.env['PATH']}` }
}

/** By a shell, of a broker with a topic `greetings` that has a record. */
async function asksByCommand(line: string): Promise<void> {
  const broker = await BrokerProcess.start()
  const client = await PlainClient.connect(broker.port)
  await client.createTopic('greetings')
  await client.produce('greetings', ['hello'])
  await client.close()
  const folder = temporaryFolder()
  const env = { ...withOdradek(folder), ODRADEK_BOOTSTRAP_SERVER: broker.bootstrap }
  const { code, stdout, stderr } = await runToEnd('sh', ['-c', line.replaceAll('npx odradek', 'odradek')], {
    cwd: folder,
    env,
  })
  expect(code, stdout + stderr).toBe(0)
}

/**
 * As a shell would run it: through npm, and ended as a service manager would. The end of standard output means that
 * the broker has ended too, not only npm.
 */
async function startsWithNpm(args: readonly string[]): Promise<void> {
  const broker = await BrokerProcess.start({ program: ['npm', 'start', '--silent', '--', ...args] })
  const client = await PlainClient.connect(broker.port)
  await client.createTopic('documented')
  await client.close()
  expect((await broker.end('SIGTERM')).stdout.split('\n')).toHaveLength(2)
  expect(hasCleanShutdownMark(broker.data)).toBe(true)
}

const samples = documents.flatMap((document) =>
  blocks(document, 'js').map((sample, at) => ({ document, at: at + 1, sample })),
)

describe('what the documents tell people to type', () => {
  afterEach(endAll)

  it('there is something to check', () => {
    expect(commands.map(({ line }) => line)).toEqual(
      expect.arrayContaining(['npm ci && npm start', 'npm ci && npm test']),
    )
  })

  it.each(commands)('$document: $line', async ({ line }) => {
    const known = checks.map(([pattern, check]) => ({ match: pattern.exec(line), check })).find(({ match }) => match)
    expect(known, 'a command that this test does not know: add it to checks').toBeDefined()
    await known!.check(known!.match!)
  })

  it.each(documents)('%s names only scripts that exist', (document) => {
    const named = [...read(document).matchAll(/`npm run ([\w:-]+)/g)].map((match) => match[1]!)
    for (const name of named) isScript(name)
  })

  it.each(documents)('%s links only to files that exist', (document) => {
    const links = [...read(document).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map((match) => match[1]!)
    for (const link of links) isFile(path.join(path.dirname(document), link))
  })

  it.each(samples.filter(({ sample }) => sample.includes("from 'odradek'")))(
    '$document: JavaScript sample $at runs with the package, and ends',
    async ({ sample }) => {
      const folder = temporaryFolder()
      mkdirSync(path.join(folder, 'node_modules'))
      symlinkSync(repository, path.join(folder, 'node_modules', 'odradek'))
      symlinkSync(path.join(repository, 'node_modules', 'kafkajs'), path.join(folder, 'node_modules', 'kafkajs'))
      expect(sample).toMatch(/assert\./)
      writeFileSync(path.join(folder, 'sample.mjs'), sample)
      const { code, stdout, stderr } = await runToEnd(process.execPath, ['sample.mjs'], {
        cwd: folder,
        env: cleanEnvironment(),
      })
      expect(code, stdout + stderr).toBe(0)
    },
  )

  it.each(samples.filter(({ sample }) => !sample.includes("from 'odradek'")))(
    '$document: JavaScript sample $at prints what it sent',
    async ({ sample }) => {
      const broker = await BrokerProcess.start()
      expect(sample).toContain('localhost:9092')
      const sent = /value: '([^']+)'/.exec(sample)?.[1]
      const folder = temporaryFolder()
      symlinkSync(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'))
      writeFileSync(path.join(folder, 'sample.mjs'), sample.replaceAll('localhost:9092', `localhost:${broker.port}`))
      const child = spawn(process.execPath, ['sample.mjs'], { cwd: folder, env: cleanEnvironment() })
      let output = ''
      const printed = new Promise<void>((resolve, reject) => {
        onText(child.stdout, (text) => {
          output += text
          if (output.split('\n').includes(sent ?? '')) resolve()
        })
        onText(child.stderr, (text) => {
          output += text
        })
        child.on('exit', (code) => reject(new Error(`the sample ended with ${code}\n${output}`)))
      })
      try {
        await withTimeout(WAIT_MS, `the sample did not print ${sent}`, printed)
      } finally {
        await endProcess(child, 'SIGKILL', WAIT_MS)
      }
    },
  )
})
