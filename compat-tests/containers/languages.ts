import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isInstalled, runChecked } from '../process.ts'
import { cacheRoot, fingerprint, once, progress } from '../toolchains.ts'

/** Languages whose Testcontainers are tried; what they need is fetched before anything is started. */
export type Language = 'go' | 'java' | 'python'
export const LANGUAGES: readonly Language[] = ['java', 'go', 'python']

const clients = join(dirname(fileURLToPath(import.meta.url)), 'clients')
const FETCH_PATIENCE_MS = 600_000

function placeOf(language: Language): string {
  const folder = join(clients, language)
  const sources = readdirSync(folder).sort()
  return join(cacheRoot, `containers-${language}-${fingerprint(sources.map((name) => join(folder, name)))}`)
}

/** The command line of a program that starts a container of this image and passes a record through it. */
export function programOf(language: Language, mode: string, image: string): readonly [string, ...string[]] {
  const place = placeOf(language)
  if (language === 'go') return [join(place, 'driver'), image]
  if (language === 'java') {
    const path = [join(place, 'classes'), join(place, 'libs', '*')].join(':')
    const quick = ['-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
    return ['java', ...quick, '-cp', path, 'Containers', mode, image]
  }
  return [join(place, 'bin', 'python'), join(clients, 'python', 'containers.py'), mode, image]
}

/** Fetches and compiles what is missing. The reason where the machine lacks what we cannot bring, else null. */
export async function prepareLanguage(language: Language): Promise<string | null> {
  const place = placeOf(language)
  const message = `Testcontainers for ${language}: fetching`
  if (language === 'go') {
    if (!(await isInstalled('go', 'version'))) return 'no go on the PATH'
    await once(place, message, async (target) => {
      const env = { GOFLAGS: '-mod=readonly -modcacherw' }
      const options = { cwd: join(clients, 'go'), env, timeoutMs: FETCH_PATIENCE_MS }
      await runChecked('go', ['build', '-o', join(target, 'driver'), '.'], options)
    })
    return null
  }
  if (language === 'java') {
    if (!(await isInstalled('javac', '-version'))) return 'no javac (a JDK of 17 or newer) on the PATH'
    if (!(await isInstalled('mvn', '-v'))) return 'no mvn (Maven) on the PATH'
    await once(place, message, compileJava)
    return null
  }
  if (!(await isInstalled('python3', '--version'))) return 'no python3 on the PATH'
  await makeVirtualEnvironment(place, message)
  return null
}

async function compileJava(target: string): Promise<void> {
  const libs = join(target, 'libs')
  const pom = join(clients, 'java', 'pom.xml')
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${libs}`]
  await runChecked('mvn', ['-q', '-B', '-f', pom, ...goal], { timeoutMs: FETCH_PATIENCE_MS })
  const options = ['-Xlint:all,-processing,-classfile,-path', '-Werror', '-d', join(target, 'classes')]
  const source = join(clients, 'java', 'Containers.java')
  await runChecked('javac', [...options, '-cp', join(libs, '*'), source], { timeoutMs: FETCH_PATIENCE_MS })
}

/** It holds absolute paths, so it is built in place and marked when it is whole. */
async function makeVirtualEnvironment(place: string, message: string): Promise<void> {
  const complete = join(place, 'complete')
  if (existsSync(complete)) return
  progress(message)
  rmSync(place, { recursive: true, force: true })
  mkdirSync(cacheRoot, { recursive: true })
  await runChecked('python3', ['-m', 'venv', place], { timeoutMs: FETCH_PATIENCE_MS })
  const requirements = join(clients, 'python', 'requirements.txt')
  const install = ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', '-r', requirements]
  await runChecked(join(place, 'bin', 'python'), install, { timeoutMs: FETCH_PATIENCE_MS })
  writeFileSync(complete, '')
}
