import { ErrorCode } from '../../../protocol/errors.ts'
import { DeleteGroups } from '../../../protocol/messages/42-delete-groups.ts'
import { ClientError, refuseError } from '../../client/client-error.ts'
import { brokerCommand, printJson } from '../broker-command.ts'
import { confirm, YES_OPTION } from '../confirm.ts'
import { refuseUnknownGroup } from './group-description.ts'

export const deleteGroups = brokerCommand({
  name: 'delete',
  about: 'delete groups and what they have committed',
  arguments: 'NAME...',
  argumentCompletes: 'group',
  options: YES_OPTION,
  json: '{ deleted: string[] }',
  check: (given) => void given.several('the name of a group'),
  async run(client, given, io) {
    const names = given.several('the name of a group')
    if (!(await confirm(`Delete ${names.join(', ')} with what is committed?`, given, io))) return 1
    for (const group of names) {
      const [answer] = (await client.send(DeleteGroups, { groupsNames: [group] }, { group })).results
      if (answer!.errorCode === ErrorCode.GROUP_ID_NOT_FOUND) refuseUnknownGroup(group)
      if (answer!.errorCode === ErrorCode.NON_EMPTY_GROUP) throw stillHasMembers(group)
      refuseError(`deleting ${group}`, answer!.errorCode)
    }
    if (given.has('json')) await printJson(io, { deleted: names })
    else await io.out(`${names.join(', ')}: deleted\n`)
    return 0
  },
})

export function stillHasMembers(group: string): ClientError {
  const message = `the group ${group} has members; stop them first (odradek groups describe ${group} names them)`
  return new ClientError('refused', message, { errorCode: ErrorCode.NON_EMPTY_GROUP })
}
