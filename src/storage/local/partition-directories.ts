import type { FileSystem } from '../../io/file-system.ts'

/** KRaft's log of the metadata lies beside the partitions, and looks like one. */
export const METADATA_DIRECTORY = '__cluster_metadata-0'

const PARTITION_DIRECTORY = /^(.+)-(\d+)$/

/** Topic and partition that a name stands for: split at the last dash. Null for other names. */
export function partitionOf(name: string): { readonly topic: string; readonly partition: number } | null {
  const match = name === METADATA_DIRECTORY ? null : PARTITION_DIRECTORY.exec(name)
  return match && { topic: match[1]!, partition: Number(match[2]) }
}

/** Names of the directories of partitions that pass the test, which comes before the disk is asked. */
export function partitionDirectories(
  fileSystem: FileSystem,
  directory: string,
  accept: (name: string) => boolean = () => true,
): string[] {
  return fileSystem.list(directory).filter((name) => {
    return partitionOf(name) !== null && accept(name) && fileSystem.stat(`${directory}/${name}`)?.directory
  })
}
