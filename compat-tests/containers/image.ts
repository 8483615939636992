import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runChecked } from '../process.ts'
import { repositoryRoot } from '../toolchains.ts'
import { importBaseImage } from './base-image.ts'
import type { Docker } from './docker.ts'

export const BASE = 'odradek-compat-base:stand-in'
const REPOSITORY = 'odradek-compat'
/** Docker Engine 25, the first whose HEALTHCHECK knows --start-interval. */
const FIRST_API_WITH_START_INTERVAL = 44

/** One image under several names: modules of Testcontainers read much into a tag. */
export const IMAGE = {
  ours: `${REPOSITORY}:1.0.0`,
  /** From 8 on the Node module takes it for a broker without ZooKeeper. */
  kraft: `${REPOSITORY}:8.3.0-lite1`,
  /** Below 8 it starts ZooKeeper first. */
  zookeeper: `${REPOSITORY}:7.9.0`,
} as const

/** Writes the package as npm packs it, and everything else that is in the image, to a folder. Needs no network. */
export async function writeImageContext(folder: string, tarball: string | null): Promise<void> {
  const script = join(repositoryRoot, 'docker', 'context.ts')
  const args = [script, folder, ...(tarball === null ? [] : ['--tarball', tarball])]
  await runChecked(process.execPath, args, { cwd: repositoryRoot, timeoutMs: 120_000 })
}

/** Builds the image over the stand-in base; says what had to be left out for the engine at hand. */
export async function buildImage(docker: Docker, context: string, note: (line: string) => void): Promise<void> {
  await importBaseImage(docker, BASE)
  const dockerfile = join(context, 'Dockerfile')
  const text = readFileSync(dockerfile, 'utf8')
  const api = await docker.run('version', '--format', '{{.Server.APIVersion}}')
  const isOld = Number(api.split('.')[1]) < FIRST_API_WITH_START_INTERVAL
  if (isOld && text.includes('--start-interval')) {
    note(`built without --start-interval of HEALTHCHECK, which an engine with API ${api} does not know`)
    writeFileSync(dockerfile, text.replaceAll(/ --start-interval=\S+/g, ''))
  }
  const tags = Object.values(IMAGE).flatMap((name) => ['--tag', name])
  // Nothing may be fetched: the build has no network, and a base that is missing is an error.
  await docker.run('build', '--network', 'none', '--pull=false', '--build-arg', `NODE_IMAGE=${BASE}`, ...tags, context)
}

/** With the containers that were left behind. */
export async function removeImages(docker: Docker): Promise<void> {
  const { stdout } = await docker.try('ps', '--all', '--quiet', '--filter', `ancestor=${IMAGE.ours}`)
  const left = stdout.split('\n').filter(Boolean)
  if (left.length > 0) await docker.try('rm', '--force', '--volumes', ...left)
  await docker.try('image', 'rm', '--force', ...Object.values(IMAGE), BASE)
}
