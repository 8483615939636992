import { dirname } from 'node:path'
import type { FileSystem } from '../../io/file-system.ts'

/** A directory that a power cut takes away takes everything in it along: each new name on the path is synced. */
export async function makeDirectoryDurably(fileSystem: FileSystem, directory: string): Promise<void> {
  const made: string[] = []
  for (let path = directory; !fileSystem.exists(path) && dirname(path) !== path; path = dirname(path)) {
    made.unshift(path)
  }
  fileSystem.makeDirectory(directory)
  for (const path of made) await fileSystem.syncDirectory(dirname(path))
}
