import path from 'node:path'
import type { FileSystem } from '../io/file-system.ts'

/** Who holds a directory is nobody's data. */
const LEFT_OUT = new Set(['.lock'])

/** Everything a broker had written at one moment. It may be restored as often as one likes. */
export class DataSnapshot {
  /** Paths below the data directory; null for a directory. */
  readonly #entries: ReadonlyMap<string, Buffer | null>

  /** @internal */
  constructor(entries: ReadonlyMap<string, Buffer | null>) {
    this.#entries = entries
  }

  /** Bytes of all files. */
  get sizeBytes(): number {
    let bytes = 0
    for (const content of this.#entries.values()) bytes += content?.length ?? 0
    return bytes
  }

  /**
   * In one go, so that nothing is written between the first file and the last: what a killed process leaves behind.
   * @internal
   */
  static take(fileSystem: FileSystem, directory: string): DataSnapshot {
    const entries = new Map<string, Buffer | null>()
    const visit = (relative: string): void => {
      for (const name of fileSystem.list(path.posix.join(directory, relative))) {
        if (LEFT_OUT.has(name)) continue
        const inside = path.posix.join(relative, name)
        const place = path.posix.join(directory, inside)
        if (fileSystem.stat(place)?.directory) {
          entries.set(inside, null)
          visit(inside)
        } else entries.set(inside, fileSystem.readFile(place))
      }
    }
    visit('')
    return new DataSnapshot(entries)
  }

  /**
   * Puts the snapshot in the place of what is there. No broker may be running on it.
   * @internal
   */
  async write(fileSystem: FileSystem, directory: string): Promise<void> {
    for (const name of fileSystem.list(directory)) {
      const place = path.posix.join(directory, name)
      if (fileSystem.stat(place)?.directory) await fileSystem.removeDirectory(place)
      else fileSystem.unlink(place)
    }
    for (const [relative, content] of this.#entries) {
      const place = path.posix.join(directory, relative)
      if (content === null) {
        fileSystem.makeDirectory(place)
        continue
      }
      const file = fileSystem.open(place, 'create')
      try {
        file.writeSync([content], 0)
      } finally {
        file.close()
      }
    }
  }
}
