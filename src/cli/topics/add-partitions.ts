import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { refuseError } from '../../client/client-error.ts'
import { brokerCommand, printJson } from '../broker-command.ts'
import { counted } from '../table.ts'
import { UsageError } from '../usage-error.ts'
import { ADMIN_TIMEOUT_MS } from './admin-timeout.ts'

export const addPartitions = brokerCommand({
  name: 'add-partitions',
  about: 'give a topic more partitions',
  arguments: 'NAME',
  argumentCompletes: 'topic',
  details: 'Keys that come later may go to another partition than before. Partitions are never taken away.',
  options: { partitions: { type: 'string', short: 'p', value: 'N', about: 'how many it is to have in all' } },
  json: '{ name: string, partitions: number }',
  check(given) {
    given.single('the name of a topic')
    if (given.integer('partitions', 1, 100_000) === undefined) throw new UsageError('--partitions is missing')
  },
  async run(client, given, io) {
    const name = given.single('the name of a topic')
    const partitions = given.integer('partitions', 1)!
    const request = {
      topics: [{ name, count: partitions, assignments: null }],
      timeoutMs: ADMIN_TIMEOUT_MS,
      validateOnly: false,
    }
    const [answer] = (await client.send(CreatePartitions, request, 'controller')).results
    refuseError(`more partitions for ${name}`, answer!.errorCode, answer!.errorMessage)
    if (given.has('json')) await printJson(io, { name, partitions })
    else await io.out(`${name} has ${counted(partitions, 'partition')} now\n`)
    return 0
  },
})
