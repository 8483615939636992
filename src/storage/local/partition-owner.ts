import type { LogIdentity } from '../storage.ts'
import type { LogContext } from './log-context.ts'
import { retiredName } from './log-directory.ts'
import { isMisspelt, parsePartitionMetadata, partitionMetadata, refuseNewerPartition } from './log-files.ts'

/**
 * Makes sure that a directory found under the name belongs to this topic. Moves aside what does not, and is false then:
 * whatever is known of that name is of another topic.
 */
export function claimDirectory(context: LogContext, directory: string, identity: LogIdentity): boolean {
  const { fileSystem, random, report } = context
  const names = fileSystem.list(directory)
  if (names.length === 0) return true
  const path = `${directory}/partition.metadata`
  const content = fileSystem.readFile(path)
  refuseNewerPartition(content, path)
  const owner = parsePartitionMetadata(content)
  if (owner === identity.topicId) return true
  if (owner === null || isMisspelt(owner, identity.topicId)) {
    // After a power cut right after the directory was made nothing in it was promised to anybody.
    const written = names.some((name) => name.endsWith('.log') && fileSystem.stat(`${directory}/${name}`)?.sizeBytes)
    const was = content === null ? 'missing' : 'damaged'
    if (written) report('warn', `${path} is ${was}: it is written anew for ${identity.topicId}`)
    const file = fileSystem.open(path, 'create')
    file.truncate(0)
    file.writeSync([partitionMetadata(identity.topicId)], 0)
    file.close()
    return true
  }
  const aside = retiredName(identity.topic, identity.partition, random, 'stray')
  report('warn', `${directory} belongs to topic id ${owner}, not to ${identity.topicId}: it is kept as ${aside}`)
  fileSystem.rename(directory, `${context.directory}/${aside}`)
  return false
}
