import type { CommandGroup } from '../command.ts'
import { deleteGroups } from './delete.ts'
import { describeGroup } from './describe.ts'
import { listGroups } from './list.ts'
import { resetGroup } from './reset.ts'

export const groups: CommandGroup = {
  name: 'groups',
  about: 'list, describe, reset and delete consumer groups',
  commands: [listGroups, describeGroup, resetGroup, deleteGroups],
}
