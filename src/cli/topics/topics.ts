import type { CommandGroup } from '../command.ts'
import { addPartitions } from './add-partitions.ts'
import { createTopic } from './create.ts'
import { deleteTopicsCommand } from './delete.ts'
import { describeTopic } from './describe.ts'
import { emptyTopic } from './empty.ts'
import { listTopics } from './list.ts'

export const topics: CommandGroup = {
  name: 'topics',
  about: 'list, describe, create, empty and delete topics',
  commands: [listTopics, describeTopic, createTopic, addPartitions, emptyTopic, deleteTopicsCommand],
}
