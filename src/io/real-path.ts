import fs from 'node:fs'
import path from 'node:path'

/** Where a path leads when links are followed; what does not exist yet is taken as it is written. */
export function realPath(name: string): string {
  const absolute = path.resolve(name)
  try {
    return fs.realpathSync(absolute)
  } catch (error) {
    const parent = path.dirname(absolute)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === absolute) throw error
    return path.join(realPath(parent), path.basename(absolute))
  }
}
