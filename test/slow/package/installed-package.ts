import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { runChecked } from '../../../compat-tests/process.ts'
import { cleanEnvironment, repository, temporaryFolder } from '../../support/process.ts'

const QUIET = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
const PATIENCE_MS = 110_000
const nodes = path.resolve(
  process.env['ODRADEK_COMPAT_CACHE'] ?? path.join(repository, 'compat-tests', '.cache'),
  'nodes',
)

/** What `npm pack` makes of what is in dist now; `npm test` has built it. */
export async function packPackage(): Promise<string> {
  const folder = temporaryFolder()
  await npm(['pack', '--ignore-scripts', '--pack-destination', folder], repository)
  return path.join(folder, readdirSync(folder)[0]!)
}

/** A folder in which it is installed, with kafkajs beside it. No package may run anything when it is installed. */
export async function installPackage(tarball: string, options: readonly string[] = []): Promise<string> {
  const folder = temporaryFolder()
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }')
  await npm(['install', '--ignore-scripts', ...QUIET, ...options, tarball, 'kafkajs@2.2.4'], folder)
  return folder
}

/** Packages below a folder that would have run something. */
export function packagesWithInstallScripts(folder: string): string[] {
  const manifests = globSync('node_modules/{*,@*/*}/package.json', { cwd: folder })
  return manifests.filter((file) => {
    const { scripts = {} } = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { scripts?: object }
    return ['preinstall', 'install', 'postinstall'].some((name) => name in scripts)
  })
}

/** Path of a Node.js of this version, fetched once with the npm package that carries it. */
export async function nodeOf(version: string): Promise<string> {
  const place = path.join(nodes, version)
  const program = path.join(place, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(program)) return program
  const unfinished = `${place}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  writeFileSync(path.join(unfinished, 'package.json'), '{ "private": true }')
  await npm(['install', ...QUIET, `node@${version}`], unfinished)
  rmSync(place, { recursive: true, force: true })
  renameSync(unfinished, place)
  return program
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  await runChecked('npm', args, { cwd, env: cleanEnvironment(), timeoutMs: PATIENCE_MS })
}
