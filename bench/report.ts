import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { isInstalled, runToEnd } from '../compat-tests/process.ts'
import { KAFKA_VERSION, repositoryRoot } from '../compat-tests/toolchains.ts'
import { CONTENDERS, type Contender, KAFKA_SETTINGS } from './broker.ts'
import { ROWS } from './end-to-end.ts'

export interface Report {
  readonly machine: string
  readonly rounds: number
  readonly scale: number
  /** Null where a section was not run: what the page says of it stays. */
  readonly medians: ReadonlyMap<Contender, readonly number[]> | null
  readonly parts: readonly { readonly name: string; readonly output: string }[] | null
  readonly partitions: string | null
}

/** What else the machine did: above a few tenths, throughput is what was left over. */
const loadAtStart = loadavg()[0]!

const TITLES: Record<Contender, string> = {
  kafka: `Kafka ${KAFKA_VERSION}`,
  odradek: 'Odradek',
  'odradek, disk': 'Odradek, durability disk',
}

/** Every row, also the lost ones; a ratio is the second over the first, bold where we lose. */
export function table(medians: ReadonlyMap<Contender, readonly number[]>): string {
  const present = CONTENDERS.filter((contender) => medians.has(contender))
  const head = ['', 'unit', ...present.map((contender) => TITLES[contender]), 'Odradek / Kafka']
  const lines = ROWS.map(({ name, unit, better }, row) => {
    const numbers = present.map((contender) => shown(medians.get(contender)![row]!))
    const ratio = (medians.get('odradek')?.[row] ?? Number.NaN) / (medians.get('kafka')?.[row] ?? Number.NaN)
    const isLost = better === 'more' ? ratio < 1 : ratio > 1
    const ratioText = Number.isNaN(ratio) ? '' : `${ratio.toPrecision(2)}x`
    return [name, unit, ...numbers, isLost ? `**${ratioText}**` : ratioText]
  })
  const rule = head.map((_, at) => (at < 2 ? '---' : '---:'))
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function shown(value: number): string {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** What it was measured on and with. */
export async function machine(): Promise<string> {
  const revision = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: repositoryRoot, encoding: 'utf8' })
  const java = (await isInstalled('java', '-version'))
    ? (await runToEnd('java', ['-version'])).stderr.split('\n')[0]
    : 'none'
  const memory = `${Math.round(totalmem() / 1e9)} GB`
  return [
    `- ${new Date().toISOString().slice(0, 10)}, revision ${revision.trim()}`,
    `- ${cpus().length} x ${cpus()[0]?.model}, ${memory}, Linux ${release()}, everything on the loopback interface`,
    `- load average before it began: ${loadAtStart.toFixed(1)}`,
    `- Node.js ${process.version}; Apache Kafka ${KAFKA_VERSION} on ${java}`,
  ].join('\n')
}

/** The page with the measured sections replaced between their marks. */
export function page(before: string, { machine, rounds, scale, medians, parts, partitions }: Report): string {
  let text = before
  if (medians !== null) {
    const settings = Object.entries(KAFKA_SETTINGS).map(([name, value]) => `\`${name}=${value}\``)
    const load = scale === 1 ? '' : `, ${scale} of the usual load`
    const how = `- medians of ${rounds} round(s), each on fresh brokers with empty folders, in turns${load}`
    text = between(
      text,
      'end-to-end',
      `${machine}\n${how}\n- Kafka's settings: ${settings.join(', ')}\n\n${table(medians)}`,
    )
  }
  if (parts !== null) {
    const blocks = parts.map(({ name, output }) => `### ${name}\n\n\`\`\`text\n${withoutHistograms(output)}\n\`\`\``)
    text = between(text, 'micro', `${machine}\n\n${blocks.join('\n\n')}`)
  }
  if (partitions !== null) text = between(text, 'partitions', `${machine}\n\n${partitions}`)
  return text
}

/** Of mitata's output what a page needs: the groups, and the mean of each benchmark. Other output as it is. */
function withoutHistograms(output: string): string {
  if (!output.includes('/iter')) return output.trim()
  const kept = output.split('\n').flatMap((line) => {
    if (line.startsWith('• ')) return ['', line]
    const mean = /^.*?\/iter/.exec(line)
    return mean === null ? [] : [`  ${mean[0]}`]
  })
  return kept.join('\n').trim()
}

function between(text: string, mark: string, content: string): string {
  const [begin, end] = [`<!-- ${mark}: written by npm run bench -->`, `<!-- end of ${mark} -->`]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md lacks the marks of ${mark}`)
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`
}
