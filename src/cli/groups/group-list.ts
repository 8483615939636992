import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { refuseError } from '../../client/client-error.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'

export interface ListedGroup {
  readonly group: string
  /** `Stable`, `Empty` …; empty from brokers that do not tell (before 2.6). */
  readonly state: string
  /** `classic`, `consumer`, `share`, `streams`; empty from brokers that know only classic ones. */
  readonly type: string
  /** `consumer`, `connect` …: what its members are. */
  readonly protocolType: string
}

/** Every broker knows those that it coordinates. By name. */
export async function groupsOfCluster(client: KafkaClient): Promise<ListedGroup[]> {
  const { brokers } = await client.cluster()
  const lists = await Promise.all(
    brokers.map(async ({ id }) => {
      const answer = await client.send(ListGroups, { statesFilter: [], typesFilter: [] }, { brokerId: id })
      refuseError(`groups of broker ${id}`, answer.errorCode)
      return answer.groups
    }),
  )
  return lists
    .flat()
    .map(({ groupId, groupState, groupType, protocolType }) => {
      return { group: groupId, state: groupState, type: groupType.toLowerCase(), protocolType }
    })
    .sort((a, b) => (a.group < b.group ? -1 : 1))
}
