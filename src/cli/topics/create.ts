import { ErrorCode } from '../../../protocol/errors.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { refuseError } from '../../client/client-error.ts'
import { brokerCommand, printJson } from '../broker-command.ts'
import { counted } from '../table.ts'
import { ADMIN_TIMEOUT_MS } from './admin-timeout.ts'

export const createTopic = brokerCommand({
  name: 'create',
  about: 'make a topic',
  arguments: 'NAME',
  options: {
    partitions: {
      type: 'string',
      short: 'p',
      value: 'N',
      about: "how many partitions (default: the broker's num.partitions)",
    },
    'replication-factor': { type: 'string', value: 'N', about: "on how many brokers (default: the broker's)" },
    config: {
      type: 'string',
      short: 'c',
      value: 'NAME=VALUE',
      about: 'a setting of the topic; may be repeated',
      repeats: true,
    },
    'if-not-exists': { type: 'boolean', about: 'a topic of that name is fine, too' },
  },
  json: '{ name: string, created: boolean, partitions: number }',
  check(given) {
    given.single('the name of the topic')
    given.pairs('config')
    given.integer('partitions', 1, 100_000)
    given.integer('replication-factor', 1, 32_767)
  },
  async run(client, given, io) {
    const name = given.single('the name of the topic')
    const topic = {
      name,
      numPartitions: given.integer('partitions', 1) ?? -1,
      replicationFactor: given.integer('replication-factor', 1) ?? -1,
      assignments: [],
      configs: given.pairs('config').map(([key, value]) => ({ name: key, value })),
    }
    const request = { topics: [topic], timeoutMs: ADMIN_TIMEOUT_MS }
    const [answer] = (await client.send(CreateTopics, request, 'controller')).topics
    const exists = answer!.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS && given.has('if-not-exists')
    if (!exists) refuseError(`making ${name}`, answer!.errorCode, answer!.errorMessage)
    const partitions = (await client.topics([name]))[0]!.partitions.length
    if (given.has('json')) await printJson(io, { name, created: !exists, partitions })
    else await io.out(`${name} ${exists ? 'was there already' : 'is made'}: ${counted(partitions, 'partition')}\n`)
    return 0
  },
})
