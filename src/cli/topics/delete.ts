import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { refuseError } from '../../client/client-error.ts'
import { brokerCommand, printJson } from '../broker-command.ts'
import { confirm, YES_OPTION } from '../confirm.ts'
import { counted } from '../table.ts'
import { ADMIN_TIMEOUT_MS } from './admin-timeout.ts'
import { existingTopics } from './existing-topics.ts'
import { topicOffsets, totalOf } from './topic-offsets.ts'

/** Newer ones name topics by id. */
const NAMED_TOPICS_VERSION = 5

export const deleteTopicsCommand = brokerCommand({
  name: 'delete',
  about: 'delete topics and everything in them',
  arguments: 'NAME...',
  argumentCompletes: 'topic',
  options: YES_OPTION,
  json: '{ deleted: string[] }',
  check: (given) => void given.several('the name of a topic'),
  async run(client, given, io) {
    const topics = await existingTopics(client, given.several('the name of a topic'))
    const names = topics.map(({ name }) => name)
    const records = totalOf(await topicOffsets(client, topics))
    const what = records === null ? '' : ` with ${counted(records, 'record')}`
    if (!(await confirm(`Delete ${names.join(', ')}${what}?`, given, io))) return 1
    const request = { topics: [], topicNames: names, timeoutMs: ADMIN_TIMEOUT_MS }
    const answer = await client.send(DeleteTopics, request, 'controller', { maxVersion: NAMED_TOPICS_VERSION })
    for (const { name, errorCode, errorMessage } of answer.responses) {
      refuseError(`deleting ${name}`, errorCode, errorMessage)
    }
    if (given.has('json')) await printJson(io, { deleted: names })
    else await io.out(`${names.join(', ')}: deleted\n`)
    return 0
  },
})
