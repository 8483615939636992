import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isInstalled, runChecked } from './process.ts'

/** What a client needs before it can run. `present` asks the machine, `install` brings what the suite can bring itself. */
export type Toolchain = 'node' | 'kafka' | 'java' | 'python' | 'franz-go' | 'sarama' | 'kcat'

export const KAFKA_VERSION = '4.3.1'

const here = dirname(fileURLToPath(import.meta.url))
export const repositoryRoot = resolve(here, '..')
export const cacheRoot = resolve(process.env['ODRADEK_COMPAT_CACHE'] ?? join(here, '.cache'))

export interface Missing {
  toolchain: Toolchain
  reason: string
}

/** Brings everything the toolchain needs; says what is missing when the machine lacks the part we cannot bring. */
export async function prepare(toolchain: Toolchain): Promise<Missing | undefined> {
  const reason = await preparations[toolchain]()
  return reason === undefined ? undefined : { toolchain, reason }
}

const preparations: Record<Toolchain, () => Promise<string | undefined>> = {
  node: async () => undefined,
  kafka: prepareKafka,
  java: prepareJava,
  python: preparePython,
  'franz-go': () => prepareGo('franz-go'),
  sarama: () => prepareGo('sarama'),
  kcat: prepareKcat,
}

async function prepareKafka(): Promise<string | undefined> {
  if (!(await isInstalled('java', '-version'))) return 'no java (17 or newer) on the PATH'
  if (!kafkaJarsComplete() && !(await isInstalled('mvn', '-v'))) return 'no mvn (Maven) on the PATH'
  await kafkaClasspath()
  return undefined
}

async function prepareJava(): Promise<string | undefined> {
  if (!(await isInstalled('javac', '-version'))) return 'no javac (a JDK of 17 or newer) on the PATH'
  const lack = await prepareKafka()
  if (lack === undefined) await compileJavaDriver()
  return lack
}

const kafkaLibs = join(cacheRoot, `kafka-${KAFKA_VERSION}`)

function kafkaJarsComplete(): boolean {
  return existsSync(join(kafkaLibs, 'complete'))
}

let jarsBeingFetched: Promise<string> | undefined

/** The class path of Apache Kafka: server, tools, clients and Streams. Fetched once from Maven Central. */
export function kafkaClasspath(): Promise<string> {
  jarsBeingFetched ??= fetchKafkaJars()
  return jarsBeingFetched
}

async function fetchKafkaJars(): Promise<string> {
  const libs = join(kafkaLibs, 'libs')
  if (!kafkaJarsComplete()) {
    progress(`Apache Kafka ${KAFKA_VERSION}: fetching about 120 MB of jars with Maven`)
    rmSync(kafkaLibs, { recursive: true, force: true })
    mkdirSync(libs, { recursive: true })
    const pom = join(here, 'clients', 'java', 'pom.xml')
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${libs}`]
    await runChecked('mvn', ['-q', '-B', '-f', pom, ...goal], { timeoutMs: 900_000, onLine: progress })
    const main = `kafka_2.13-${KAFKA_VERSION}.jar`
    if (!readdirSync(libs).includes(main)) throw new Error(`Maven ended without ${main} in ${libs}`)
    writeFileSync(join(kafkaLibs, 'complete'), '')
  }
  return join(libs, '*')
}

/** Where the compiled Java driver and tool runner lie; part of the class path of both. */
export function javaClasses(): string {
  const sources = javaSources()
  return join(cacheRoot, `java-${fingerprint(sources)}`)
}

function javaSources(): string[] {
  const folder = join(here, 'clients', 'java')
  return readdirSync(folder)
    .filter((name) => name.endsWith('.java'))
    .sort()
    .map((name) => join(folder, name))
}

async function compileJavaDriver(): Promise<void> {
  await once(javaClasses(), 'Java driver: compiling', async (target) => {
    const options = ['-Xlint:all,-processing,-classfile,-path', '-Werror', '-d', target, '-cp', await kafkaClasspath()]
    await runChecked('javac', [...options, ...javaSources()], { timeoutMs: 240_000 })
  })
}

const pythonRequirements = join(here, 'clients', 'python', 'requirements.txt')

/** The interpreter of the virtual environment that holds the Python clients. */
export function pythonInterpreter(): string {
  return join(cacheRoot, `python-${fingerprint([pythonRequirements])}`, 'bin', 'python')
}

async function preparePython(): Promise<string | undefined> {
  if (!(await isInstalled('python3', '--version'))) return 'no python3 on the PATH'
  const venv = dirname(dirname(pythonInterpreter()))
  // A virtual environment holds absolute paths, so it is built in place and marked when it is whole.
  const complete = join(venv, 'complete')
  if (existsSync(complete)) return undefined
  progress('Python clients: creating a virtual environment')
  rmSync(venv, { recursive: true, force: true })
  mkdirSync(cacheRoot, { recursive: true })
  await runChecked('python3', ['-m', 'venv', venv], { timeoutMs: 240_000 })
  const install = ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', '-r', pythonRequirements]
  await runChecked(pythonInterpreter(), install, { timeoutMs: 600_000, onLine: progress })
  writeFileSync(complete, '')
  return undefined
}

export type GoClient = 'franz-go' | 'sarama'

function goFolder(client: GoClient): string {
  return join(here, 'clients', client)
}

/** The compiled driver of a client in Go. */
export function goDriver(client: GoClient): string {
  const sources = readdirSync(goFolder(client))
    .sort()
    .map((name) => join(goFolder(client), name))
  return join(cacheRoot, `${client}-${fingerprint(sources)}`, 'driver')
}

async function prepareGo(client: GoClient): Promise<string | undefined> {
  if (!(await isInstalled('go', 'version'))) return 'no go on the PATH'
  await once(dirname(goDriver(client)), `${client} driver: fetching modules and compiling`, async (target) => {
    const env = { GOFLAGS: '-mod=readonly -modcacherw' }
    const options = { cwd: goFolder(client), env, timeoutMs: 600_000, onLine: progress }
    await runChecked('go', ['build', '-o', join(target, 'driver'), '.'], options)
  })
  return undefined
}

async function prepareKcat(): Promise<string | undefined> {
  if (await isInstalled('kcat', '-V')) return undefined
  if (process.getuid?.() !== 0 || !(await isInstalled('apt-get', '--version'))) {
    return 'no kcat on the PATH, and no right to install it with apt-get'
  }
  progress('kcat: installing with apt-get')
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: 300_000 }
  await runChecked('apt-get', ['-q', 'update'], options)
  await runChecked('apt-get', ['-q', 'install', '-y', '--no-install-recommends', 'kcat'], options)
  return undefined
}

/** Builds into a neighbour folder and renames it, so that a folder that exists is whole. */
export async function once(target: string, message: string, build: (folder: string) => Promise<void>): Promise<void> {
  if (existsSync(target)) return
  progress(message)
  const unfinished = `${target}.${process.pid}.unfinished`
  mkdirSync(unfinished, { recursive: true })
  await build(unfinished)
  renameSync(unfinished, target)
}

export function fingerprint(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(file.slice(here.length)).update(readFileSync(file))
  return hash.digest('hex').slice(0, 12)
}

export function progress(line: string): void {
  process.stderr.write(`  ${line}\n`)
}
