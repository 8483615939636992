import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TOOL_CASES, type ToolCase } from '../test/cli/kafka/cases.ts'
import { masked, type ToolOutcome } from '../test/cli/kafka/masked.ts'
import { Broker, type Target } from './broker.ts'
import { clients } from './catalog.ts'
import { Driver } from './driver.ts'
import { runToEnd } from './process.ts'
import { kafkaClasspath, prepare, repositoryRoot } from './toolchains.ts'

/**
 * `node compat-tests/kafka-tools.ts`: the same calls by the tools of Apache Kafka 4.3.1 and by ours, against both brokers.
 * The tests of our tools compare with what is recorded there, which `--record` does anew.
 */

const CLASSES: Readonly<Record<string, string>> = {
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'kafka-features': 'org.apache.kafka.tools.FeatureCommand',
  'kafka-metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'kafka-storage': 'kafka.tools.StorageTool',
}

/**
 * Each call of these has a process of its own: most end it while they read their arguments, and the producer sends its
 * last records when the process ends.
 */
const OWN_PROCESS = new Set([
  'kafka-console-producer',
  'kafka-cluster',
  'kafka-features',
  'kafka-metadata-quorum',
  'kafka-storage',
])

const folder = join(repositoryRoot, 'test', 'cli', 'kafka')

type Tools = 'kafka' | 'odradek'

interface Runner {
  run(tool: string, args: string[], input: string): Promise<ToolOutcome>
  close(): Promise<void>
}

async function kafkaTools(bootstrap: string): Promise<Runner> {
  const definition = clients.find(({ name }) => name === 'console-tools')
  if (definition === undefined) throw new Error('the catalog has no console-tools')
  const driver = await Driver.start(await definition.launch(), bootstrap)
  const classpath = await kafkaClasspath()
  return {
    async run(tool, args, input) {
      const name = CLASSES[tool]
      if (name === undefined) throw new Error(`no class is known for ${tool}`)
      if (!OWN_PROCESS.has(tool)) return driver.call('tool', { tool: name, arguments: args, input }, 90_000)
      const flags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
      return outcome(await runToEnd('java', [...flags, '-cp', classpath, name, ...args], { input }))
    },
    close: () => driver.close(),
  }
}

function ourTools(): Runner {
  const program = join(repositoryRoot, 'bin', 'odradek.cjs')
  return {
    run: async (tool, args, input) => outcome(await runToEnd(process.execPath, [program, tool, ...args], { input })),
    close: async () => undefined,
  }
}

function outcome({ code, stdout, stderr }: { code: number | null; stdout: string; stderr: string }): ToolOutcome {
  return { code: code ?? -1, output: stdout, errors: stderr }
}

async function runCases(tools: Tools, target: Target): Promise<ToolOutcome[]> {
  const broker = new Broker(target)
  await broker.start()
  const { bootstrap } = broker
  const directory = mkdtempSync(join(tmpdir(), 'odradek-tools-'))
  const fill = (text: string) => text.replaceAll('{bootstrap}', bootstrap).replaceAll('{dir}', directory)
  const runner = tools === 'kafka' ? await kafkaTools(bootstrap) : ourTools()
  const outcomes: ToolOutcome[] = []
  for (const { tool, args, input, file, anyOrder = false } of TOOL_CASES) {
    if (file !== undefined) writeFileSync(join(directory, file.name), fill(file.text))
    outcomes.push(masked(await runner.run(tool, args.map(fill), input ?? ''), { bootstrap, directory, anyOrder }))
  }
  await runner.close()
  await broker.dispose()
  rmSync(directory, { recursive: true })
  return outcomes
}

function title({ tool, args }: ToolCase): string {
  return `${tool} ${args.join(' ')}`
}

function compare(
  what: string,
  ours: boolean,
  expected: readonly ToolOutcome[],
  actual: readonly ToolOutcome[],
): number {
  let failed = 0
  for (const [index, call] of TOOL_CASES.entries()) {
    const [wanted, got] = [expected[index], actual[index]]
    if (JSON.stringify(wanted) === JSON.stringify(got) || (ours && call.differs !== undefined)) continue
    failed++
    console.log(
      `FAIL  ${what}: ${title(call)}\n  expected ${JSON.stringify(wanted)}\n  got      ${JSON.stringify(got)}`,
    )
  }
  console.log(`${what}: ${TOOL_CASES.length - failed} as expected, ${failed} not`)
  return failed
}

const recordings: Readonly<Record<Target, string>> = {
  kafka: join(folder, 'on-kafka.json'),
  odradek: join(folder, 'on-odradek.json'),
}

/** `--record`, or the target to run against; both without one. */
async function main(args: readonly string[]): Promise<void> {
  const lack = await prepare('java')
  if (lack !== undefined) throw new Error(lack.reason)
  const targets = (['kafka', 'odradek'] as const).filter((one) => args.includes(one))
  let failed = 0
  for (const target of targets.length === 0 ? (['kafka', 'odradek'] as const) : targets) {
    const file = recordings[target]
    if (args.includes('--record')) {
      const outcomes = await runCases('kafka', target)
      const recorded = TOOL_CASES.map((call, index) => ({ call: title(call), ...outcomes[index] }))
      writeFileSync(file, `${JSON.stringify(recorded, null, 2)}\n`)
      console.log(`${target}: ${recorded.length} calls recorded`)
      continue
    }
    const recorded: (ToolOutcome & { call: string })[] = JSON.parse(readFileSync(file, 'utf8'))
    const expected = recorded.map(({ code, output, errors }) => ({ code, output, errors }))
    const tools = args.includes('--ours') ? (['odradek'] as const) : (['kafka', 'odradek'] as const)
    for (const one of tools)
      failed += compare(`tools of ${one}, broker ${target}`, one === 'odradek', expected, await runCases(one, target))
  }
  if (failed > 0) process.exitCode = 1
}

await main(process.argv.slice(2))
