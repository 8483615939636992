import { type RecordedClient, recordedResults } from '../compat-tests/recorded-results.ts'
import type { VersionRange } from '../protocol/codec/schema.ts'
import { apis } from '../protocol/messages/all.ts'
import { apiTable } from '../src/apis/table.ts'

const INTRODUCTION = `# Compatibility

<!-- Written by scripts/compatibility-page.ts from the schemas and from compat-tests/results.json; a test keeps it fresh. -->

What was tried with which client, and which versions of which calls are served. The clients go through the same scenarios
against Apache Kafka 4.3.1, apart from those that make faults happen: what passes here is what passes there.

\`npm run compat -- --record\` runs every client, keeps the results and writes this page. How the scenarios work is told in
[compat-tests](../compat-tests/README.md).
`

const APIS = `## Calls

The versions that ApiVersions tells clients. A cell that is empty is a call that is not served, and not advertised either:
clients that can do without it do. Calls between brokers are left out; Kafka tells of telemetry (71 and 72) only with a plugin.
`

/** Produce is advertised from 0 on although the oldest are refused: librdkafka looks for it (KAFKA-18659). */
const KAFKA_PRODUCE_MIN = 0

type Results = Readonly<Record<string, RecordedClient>>

/** Its driver is that of another client, for what kcat itself cannot do. */
const PROGRAMS: Readonly<Record<string, string>> = { kcat: 'of the distribution' }

/** docs/compatibility.md. */
export function compatibilityPage(): string {
  const results = recordedResults()
  return [
    INTRODUCTION,
    clientsSection(results),
    lacksSection(results),
    scenariosSection(results),
    `${APIS}\n${apiRows().join('\n')}\n`,
  ].join('\n')
}

/** One line for each call that clients may know. */
export function apiRows(): string[] {
  const rows = [...apis]
    .sort((a, b) => a.key - b.key)
    .map((api) => {
      const ours = apiTable.get(api.key)?.advertised
      const min = api.name === 'Produce' ? KAFKA_PRODUCE_MIN : api.versions.min
      const kafka = { min, max: api.latestVersionUnstable ? api.versions.max - 1 : api.versions.max }
      return `| ${api.key} | ${api.name} | ${ours ? range(ours) : ''} | ${range(kafka)} |`
    })
  return ['| Key | Call | Odradek | Apache Kafka 4.3.1 |', '|---|---|---|---|', ...rows]
}

function range({ min, max }: VersionRange): string {
  return min === max ? `${min}` : `${min} to ${max}`
}

function clientsSection(results: Results): string {
  const rows = Object.entries(results).map(([client, { version, scenarios }]) => {
    const count = (test: (result: string) => boolean) => Object.values(scenarios).filter(test).length
    const passed = count((result) => result === 'pass')
    const lacking = count((result) => result.startsWith('n/a'))
    return `| ${client} | ${PROGRAMS[client] ?? version} | ${passed} | ${lacking || ''} | ${count((result) => result === 'FAIL') || ''} |`
  })
  return [
    '## Clients',
    '',
    '| Client | Version | Passed | Cannot do | Failed |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

/** Reasons by client: what no broker could change. */
function lacksSection(results: Results): string {
  const lines = Object.entries(results).flatMap(([client, { scenarios }]) => {
    const reasons = new Map<string, string[]>()
    for (const [scenario, result] of Object.entries(scenarios)) {
      if (!result.startsWith('n/a: ')) continue
      const reason = result.slice('n/a: '.length)
      reasons.set(reason, [...(reasons.get(reason) ?? []), scenario])
    }
    return [...reasons].map(([reason, names]) => `| ${client} | ${reason} | ${names.join(', ')} |`)
  })
  const table = ['| Client | Why | Scenarios |', '|---|---|---|', ...lines]
  return ['## What the clients themselves cannot do', '', ...table, ''].join('\n')
}

function scenariosSection(results: Results): string {
  const clientNames = Object.keys(results)
  const names = [...new Set(Object.values(results).flatMap(({ scenarios }) => Object.keys(scenarios)))].sort()
  const marks = (name: string) => clientNames.map((client) => markOf(results[client]?.scenarios[name]))
  const rows = names.map((name) => `| ${name} | ${marks(name).join(' | ')} |`)
  return [
    '## Scenarios',
    '',
    '`+` passed, `-` the client cannot do it, nothing where it was not tried. `cluster-` scenarios have three brokers in one process.',
    '',
    `| | ${clientNames.join(' | ')} |`,
    `|---|${clientNames.map(() => '---|').join('')}`,
    ...rows,
    '',
  ].join('\n')
}

function markOf(result: string | undefined): string {
  if (result === undefined) return ''
  return result === 'pass' ? '+' : result === 'FAIL' ? 'FAIL' : '-'
}
