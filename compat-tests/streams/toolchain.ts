import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isInstalled, runChecked } from '../process.ts'
import { cacheRoot, fingerprint, KAFKA_VERSION, kafkaClasspath, once, progress } from '../toolchains.ts'

const clients = join(dirname(fileURLToPath(import.meta.url)), '..', 'clients')

/** What the machine lacks; undefined when everything can be built. */
export async function lackOfJava(): Promise<string | undefined> {
  if (!(await isInstalled('javac', '-version'))) return 'no javac (a JDK of 17 or newer) on the PATH'
  if (!(await isInstalled('mvn', '-v'))) return 'no mvn (Maven) on the PATH'
  return undefined
}

/** The class path of the application, its feeder and its watcher; compiled when the sources have changed. */
export async function streamsClasspath(): Promise<string> {
  const folder = join(clients, 'streams')
  const sources = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
  const classes = join(cacheRoot, `streams-${fingerprint(sources)}`)
  const kafka = await kafkaClasspath()
  await once(classes, 'Streams application: compiling', async (target) => {
    const options = ['-Xlint:all,-processing,-classfile,-path', '-Werror', '-d', target, '-cp', kafka]
    await runChecked('javac', [...options, ...sources], { timeoutMs: 240_000 })
  })
  return `${classes}:${kafka}`
}

/** The class path of a Connect worker and of MirrorMaker 2. Fetched once from Maven Central. */
export async function connectClasspath(): Promise<string> {
  const folder = join(cacheRoot, `connect-${KAFKA_VERSION}`)
  const libs = join(folder, 'libs')
  if (!existsSync(join(folder, 'complete'))) {
    progress(`Kafka Connect ${KAFKA_VERSION}: fetching about 40 MB of jars with Maven`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(libs, { recursive: true })
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${libs}`]
    const pom = join(clients, 'connect', 'pom.xml')
    await runChecked('mvn', ['-q', '-B', '-f', pom, ...goal], { timeoutMs: 900_000, onLine: progress })
    writeFileSync(join(folder, 'complete'), '')
  }
  return join(libs, '*')
}
