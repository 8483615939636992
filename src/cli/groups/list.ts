import { brokerCommand, printJson } from '../broker-command.ts'
import { formatTable } from '../table.ts'
import { groupsOfCluster } from './group-list.ts'

export const listGroups = brokerCommand({
  name: 'list',
  about: 'the groups of the cluster',
  options: {},
  json: '{ group: string, state: string, type: string, protocolType: string }[]',
  async run(client, given, io) {
    given.none()
    const groups = await groupsOfCluster(client)
    if (given.has('json')) await printJson(io, groups)
    else if (groups.length === 0)
      io.err('There are no groups. A consumer makes one: odradek consume TOPIC --group NAME\n')
    else {
      const rows = groups.map(({ group, state, type, protocolType }) => [
        group,
        state || '-',
        type || 'classic',
        protocolType || '-',
      ])
      await io.out(formatTable(['GROUP', 'STATE', 'TYPE', 'PROTOCOL'], rows))
    }
    return 0
  },
})
