import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import type { Service } from './service.ts'

const repository = path.resolve(import.meta.dirname, '../..')
const rootfs = path.join(repository, 'docker', 'rootfs')

/** Places of the image that a file of the field names; data goes there too. */
const PLACES =
  /(?<![\w.$/-])\/(?=(?:opt\/(?:kafka|bitnami)|etc\/(?:kafka|confluent)|mnt\/shared|var\/lib\/kafka|bitnami|tmp\/kraft)[/\w-]*)/g
const PROGRAM_FOLDERS = ['usr/bin', 'opt/kafka/bin', 'opt/bitnami/kafka/bin']
const PROGRAMS = ['odradek', 'cub', 'kafka-server-start', 'kafka-server-stop', 'zookeeper-server-start']

/**
 * What is in our image, in a folder, for a container that does not exist: its own scripts and tools around the bundle of
 * `npm run build`, and what a service mounts. Absolute paths in commands, scripts and settings are moved into it.
 */
export class ImageRoot {
  readonly folder: string

  constructor(folder: string, service: Service) {
    this.folder = folder
    cpSync(rootfs, folder, { recursive: true })
    this.#linkBundle()
    this.#linkPrograms()
    for (const { source, target } of service.mounts) this.#mount(source, path.join(folder, target))
  }

  get environment(): Record<string, string> {
    return {
      ODRADEK_IMAGE_ROOT: this.folder,
      ODRADEK_READY_FILE: path.join(this.folder, 'tmp', 'odradek.ready'),
      ODRADEK_MOUNTS: '/dev/null',
      ODRADEK_FIRST_ENVIRONMENT: '/dev/null',
      PATH: `${path.join(this.folder, 'usr/bin')}:${path.dirname(process.execPath)}:/usr/bin:/bin`,
    }
  }

  /** What the image runs where a service says nothing. */
  get ownCommand(): readonly string[] {
    return [path.join(this.folder, 'etc/kafka/docker/run')]
  }

  /** A text that speaks of places in the image. */
  moved(text: string): string {
    return text.replaceAll(PLACES, `${this.folder}/`)
  }

  /** A word of a command, which may name a mounted file anywhere. */
  movedCommand(words: readonly string[], { mounts }: Service): string[] {
    return words.map((word) =>
      mounts.reduce((text, { target }) => {
        const moved = path.join(this.folder, target)
        return text.includes(moved) ? text : text.replaceAll(target, moved)
      }, this.moved(word)),
    )
  }

  #linkBundle(): void {
    const odradek = path.join(this.folder, 'opt/odradek')
    const bundle = path.join(repository, 'dist')
    if (!existsSync(bundle)) throw new Error('there is no bundle: npm run build makes it')
    for (const part of ['bin', 'package.json'])
      cpSync(path.join(repository, part), path.join(odradek, part), { recursive: true })
    for (const part of ['dist', 'node_modules']) symlinkSync(path.join(repository, part), path.join(odradek, part))
  }

  #linkPrograms(): void {
    const image = path.join(this.folder, 'opt/odradek/image')
    const tools = readFileSync(path.join(image, 'kafka-tools.txt'), 'utf8').split('\n').filter(Boolean)
    for (const folder of PROGRAM_FOLDERS) {
      const place = path.join(this.folder, folder)
      mkdirSync(place, { recursive: true })
      for (const tool of tools) {
        for (const name of [tool, `${tool}.sh`]) link(path.join(image, 'kafka-tool'), path.join(place, name))
      }
      for (const name of PROGRAMS) link(path.join(image, name), path.join(place, name))
      for (const name of PROGRAMS.slice(2)) link(path.join(image, name), path.join(place, `${name}.sh`))
    }
    // The real one knows nothing of the network that is made up here.
    const probe = `#!/bin/sh\nexec node '${path.join(import.meta.dirname, 'probe.ts')}' "$@"\n`
    writeFileSync(path.join(this.folder, 'usr/bin/nc'), probe, { mode: 0o755 })
    for (const folder of ['tmp', 'var/lib/kafka/data']) mkdirSync(path.join(this.folder, folder), { recursive: true })
  }

  #mount(source: string, target: string): void {
    mkdirSync(path.dirname(target), { recursive: true })
    cpSync(source, target, { recursive: true })
    const files = statSync(target).isDirectory() ? readdirSync(target).map((name) => path.join(target, name)) : [target]
    for (const file of files) {
      writeFileSync(file, this.moved(readFileSync(file, 'utf8')))
      chmodSync(file, 0o755)
    }
  }
}

/** As `ln -sf`: the last one stays. */
function link(target: string, place: string): void {
  rmSync(place, { force: true })
  symlinkSync(target, place)
}
