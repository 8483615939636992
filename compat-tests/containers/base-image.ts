import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChecked, runToEnd } from '../process.ts'
import { cacheRoot, repositoryRoot } from '../toolchains.ts'
import type { Docker } from './docker.ts'

/** Of a Debian image that is called slim: what every package may count on. No curl, no nc. */
const PACKAGES = [
  ...['bash', 'coreutils', 'dash', 'debianutils', 'diffutils', 'findutils', 'grep', 'gzip', 'hostname', 'mawk', 'sed'],
  ...['tar', 'libc-bin'],
]
const PROGRAM_FOLDERS = /^(?:\/usr)?\/s?bin\//
const MERGED = ['bin', 'sbin', 'lib', 'lib64']

/** As the images of Node have it: what is no program is an argument of node. */
const ENTRYPOINT = `#!/bin/sh
set -e
case $1 in
  -*) set -- node "$@" ;;
  *) command -v "$1" > /dev/null || set -- node "$@" ;;
esac
exec "$@"
`

const node = realpathSync(join(repositoryRoot, 'node_modules', 'node', 'bin', 'node'))

/** A stand-in for the image of Node, where no registry can be reached: this machine's own programs, and our Node. */
export async function importBaseImage(docker: Docker, name: string): Promise<void> {
  const changes = ['ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'CMD ["node"]']
  const options = [...changes, 'ENTRYPOINT ["docker-entrypoint.sh"]'].flatMap((change) => ['--change', change])
  await docker.run('import', ...options, await baseArchive(), name)
}

/** Path of the root file system, made once. */
export async function baseArchive(): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)))
  hash.update(`${process.arch} ${statSync(node).size}`)
  const archive = join(cacheRoot, `base-image-${hash.digest('hex').slice(0, 12)}.tar`)
  if (existsSync(archive)) return archive
  const root = mkdtempSync(join(tmpdir(), 'odradek-base-'))
  try {
    await fill(root)
    mkdirSync(cacheRoot, { recursive: true })
    const unfinished = `${archive}.${process.pid}`
    await runChecked('tar', ['-C', root, '--owner=0', '--group=0', '--numeric-owner', '-cf', unfinished, '.'])
    renameSync(unfinished, archive)
  } finally {
    rmSync(root, { recursive: true })
  }
  return archive
}

async function fill(root: string): Promise<void> {
  chmodSync(root, 0o755)
  for (const folder of [
    'proc',
    'sys',
    'dev',
    'etc',
    'root',
    'opt',
    'var/lib',
    'var/tmp',
    'home/node',
    'usr/local/bin',
  ]) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  for (const folder of MERGED) {
    mkdirSync(join(root, 'usr', folder), { recursive: true })
    symlinkSync(`usr/${folder}`, join(root, folder))
  }
  mkdirSync(join(root, 'tmp'))
  chmodSync(join(root, 'tmp'), 0o1777)
  const programs = await programsOfThisMachine()
  for (const program of programs) copyInto(root, program)
  for (const library of await librariesOf([...programs, node])) copyInto(root, library)
  // Links that Debian keeps in /etc/alternatives.
  if (!existsSync(join(root, 'usr/bin/awk'))) symlinkSync('mawk', join(root, 'usr/bin/awk'))
  copyFileSync(node, join(root, 'usr/local/bin/node'))
  chmodSync(join(root, 'usr/local/bin/node'), 0o755)
  writeFileSync(join(root, 'usr/local/bin/docker-entrypoint.sh'), ENTRYPOINT, { mode: 0o755 })
  const users = ['root:x:0:0:root:/root:/bin/bash', 'node:x:1000:1000::/home/node:/bin/bash']
  writeFileSync(join(root, 'etc/passwd'), `${users.join('\n')}\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n`)
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnode:x:1000:\nnogroup:x:65534:\n')
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n')
}

/** Paths under /usr: the root has links where older paths were. */
async function programsOfThisMachine(): Promise<string[]> {
  const { stdout } = await runChecked('dpkg', ['-L', ...PACKAGES])
  const paths = stdout.split('\n').filter((path) => PROGRAM_FOLDERS.test(path) && existsSync(path))
  return [...new Set(paths.map(merged))].filter((path) => statSync(path).isFile())
}

async function librariesOf(programs: readonly string[]): Promise<Set<string>> {
  // Scripts are no programs to ldd, which then says so and goes on.
  const { stdout } = await runToEnd('ldd', programs)
  const paths = stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)
  return new Set([...paths].map((match) => merged(match[1]!)))
}

function merged(path: string): string {
  return MERGED.some((folder) => path.startsWith(`/${folder}/`)) ? `/usr${path}` : path
}

/** A link is copied as a link, and what it leads to beside it. */
function copyInto(root: string, path: string): void {
  const target = join(root, path)
  if (existsSync(target)) return
  mkdirSync(dirname(target), { recursive: true })
  if (!lstatSync(path).isSymbolicLink()) {
    copyFileSync(path, target)
    chmodSync(target, statSync(path).mode & 0o777)
    return
  }
  const real = realpathSync(path)
  if (dirname(real) !== dirname(path)) {
    copyFileSync(real, target)
    chmodSync(target, 0o755)
    return
  }
  copyInto(root, real)
  symlinkSync(basename(real), target)
}
