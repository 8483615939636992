import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'

/**
 * node docker/context.ts DIR [--tarball FILE]
 *
 * Writes what an image is made of, with a Dockerfile that copies it and installs nothing: the package as npm packs it
 * (built for this unless a packed one is given), its production modules from node_modules, and the scripts of the image.
 */
const root = path.resolve(import.meta.dirname, '..')
const usage = 'Usage: node docker/context.ts DIR [--tarball FILE]'

interface LockedPackage {
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly peer?: boolean
}

function packed(into: string): string {
  // --silent leaves the name of the file alone on standard output; what the build prints goes to standard error.
  const options: ExecFileSyncOptionsWithStringEncoding = {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }
  const printed = execFileSync('npm', ['pack', '--silent', '--pack-destination', into], options)
  return path.join(into, printed.trim().split('\n').at(-1)!)
}

/** Those of this platform alone: npm has installed no others. */
function productionModules(): string[] {
  const lock: { packages: Record<string, LockedPackage> } = JSON.parse(
    readFileSync(path.join(root, 'package-lock.json'), 'utf8'),
  )
  return Object.entries(lock.packages).flatMap(([folder, { dev, devOptional, peer }]) =>
    folder !== '' && !dev && !devOptional && !peer && existsSync(path.join(root, folder)) ? [folder] : [],
  )
}

function writeContext(directory: string, tarball: string | null): void {
  const odradek = path.join(directory, 'odradek')
  for (const part of ['odradek', 'rootfs', 'Dockerfile'])
    rmSync(path.join(directory, part), { recursive: true, force: true })
  mkdirSync(odradek, { recursive: true })
  const work = mkdtempSync(path.join(directory, '.pack-'))
  try {
    execFileSync('tar', ['-xzf', tarball ?? packed(work), '-C', odradek, '--strip-components=1'])
  } finally {
    rmSync(work, { recursive: true })
  }
  for (const folder of productionModules()) {
    const own = (source: string) => !source.slice(root.length + folder.length + 1).includes(`${path.sep}node_modules`)
    cpSync(path.join(root, folder), path.join(odradek, folder), { recursive: true, filter: own })
  }
  cpSync(path.join(root, 'docker/rootfs'), path.join(directory, 'rootfs'), { recursive: true })
  cpSync(path.join(root, 'docker/packed.Dockerfile'), path.join(directory, 'Dockerfile'))
}

const [directory, option, tarball, ...more] = process.argv.slice(2)
const knows = option === undefined || (option === '--tarball' && tarball !== undefined)
if (directory === undefined || directory.startsWith('-') || !knows || more.length > 0) {
  process.stderr.write(`${usage}\n`)
  process.exitCode = 1
} else {
  writeContext(path.resolve(directory), tarball === undefined ? null : path.resolve(tarball))
}
