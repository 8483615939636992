import { parseAddress } from '../../client/address.ts'
import { nodeDependencies } from '../../client/node-client.ts'
import { nodeResolver } from '../../io/node-resolver.ts'
import { speaksTls } from '../../io/tls-probe.ts'
import { BROKER_OPTIONS, bootstrapServerOf, printJson } from '../broker-command.ts'
import type { Command } from '../command.ts'
import { columns } from '../command-help.ts'
import { UsageError } from '../usage-error.ts'
import type { Check, Diagnosis } from './diagnosis.ts'
import { Examination } from './examination.ts'

const TIMEOUT_SECONDS = 5

const TITLES: Readonly<Record<Check['step'], string>> = {
  name: 'name',
  connection: 'connection',
  protocol: 'protocol',
  cluster: 'cluster',
  broker: 'broker',
  topics: 'topics',
}

export const doctor: Command = {
  name: 'doctor',
  about: 'say what a client sees of a broker, step by step, and what is wrong with it',
  arguments: '[HOST:PORT]',
  details:
    'Run it where the client runs: it resolves the name, connects, asks for the cluster, and then goes to every address that the brokers advertise, as clients do. Ends with 1 when something is wrong, and says what to set.',
  options: {
    ...BROKER_OPTIONS,
    timeout: { type: 'string', value: 'SECONDS', about: `how long each step may take (default: ${TIMEOUT_SECONDS})` },
  },
  json: '{ address: string, ok: boolean, checks: { step: "name" | "connection" | "protocol" | "cluster" | "broker" | "topics", brokerId?: number, ok: boolean, text: string }[], advice: string[] }',
  async run(given, io) {
    const [text = bootstrapServerOf(given, io), more] = given.positionals
    if (more !== undefined) throw new UsageError(`unexpected argument '${more}'`)
    const address = parseAddress(text)
    if (address === null) throw new UsageError(`${text}: give HOST:PORT, as in localhost:9092`)
    const timeoutMs = (given.integer('timeout', 1, 600) ?? TIMEOUT_SECONDS) * 1000
    const instruments = { ...nodeDependencies, resolver: nodeResolver, speaksTls, timeoutMs }
    const diagnosis = await new Examination(address, instruments).run()
    await (given.has('json') ? printJson(io, diagnosis) : io.out(describeDiagnosis(diagnosis)))
    return diagnosis.ok ? 0 : 1
  },
}

export function describeDiagnosis({ address, checks, advice, ok }: Diagnosis): string {
  const rows = checks.map((check) => {
    const title = check.brokerId === undefined ? TITLES[check.step] : `${TITLES[check.step]} ${check.brokerId}`
    return [`  ${check.ok ? 'ok   ' : 'WRONG'}  ${title}`, check.text] as const
  })
  const end = ok ? `A client on this machine can use ${address}.\n` : `${advice.map((one) => `* ${one}\n`).join('')}`
  return `${address}\n${columns(rows)}\n${end}`
}
