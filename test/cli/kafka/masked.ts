/** What a call of a tool printed and how it ended. */
export interface ToolOutcome {
  readonly code: number
  readonly output: string
  readonly errors: string
}

interface Variables {
  readonly bootstrap: string
  readonly directory: string
  readonly anyOrder?: boolean
}

/** Usage texts begin with this line; their words are not compared. */
const USAGE_START = /^(?:Option\s+Description|usage: )/

/** Lines of a Java stack, and what a logging library or a Java virtual machine puts beside the words of the tool. */
const NOISE =
  /^\s+at |^java\.util\.concurrent\.ExecutionException: |^Bootstrap metadata: |^ \(org\.apache\.|^joptsimple\.|^\s+Suppressed: |\[AdminClient |\[Producer clientId=| deprecated and will be removed |^\s*\.\.\. \d+ more|^Caused by: |^Exception in thread |^exit code \d|^Tools\$Ended|^The consumer rebalance protocol|^WARNING: (?:A |Use |Please |All |sun)/

/** `[thread] ERROR class - text` of one logging library, `[time] ERROR text (class)` of another. */
const LOGGED = /^\[[^\]]*\] (?:ERROR|WARN) (?:[\w.]+ - )?(.*?)(?: \([\w.$]+\))?$/

function lines(text: string): string[] {
  const kept: string[] = []
  for (const line of text.split('\n')) {
    if (USAGE_START.test(line)) {
      kept.push('<usage>')
      break
    }
    if (!NOISE.test(line)) kept.push(line.replace(LOGGED, '<log> $1'))
  }
  return kept
}

/** Puts what differs from run to run into one form: ids, addresses, times, and how the process reports a failure. */
export function masked(outcome: ToolOutcome, { bootstrap, directory, anyOrder }: Variables): ToolOutcome {
  const mask = (text: string) =>
    (anyOrder ? lines(text).sort() : lines(text))
      .join('\n')
      .replaceAll(bootstrap, '<address>')
      .replaceAll(bootstrap.split(':')[1] ?? '', '<port>')
      .replaceAll(directory, '<dir>')
      .replaceAll('localhost', '127.0.0.1')
      .replace(/(TopicId: |Cluster ID: |clusterId=|^)[\w-]{22}(?=\s|,|$)/gm, '$1<id>')
      .replace(/(directory\.id=|directoryId=)[\w-]{22}/g, '$1<id>')
      // Java has these in a set, whose order is by chance.
      .replace(/(?<=scenarios: |these options: |Valid \w+ are: ).*$/gm, (names) =>
        (names.match(/[\w-]+/g) ?? []).sort().join(', '),
      )
      .replace(/(?<=ClusterId: +)[\w-]{22}/g, '<id>')
      .replace(/CONTROLLER:\/\/127\.0\.0\.1:\d+/g, 'CONTROLLER://<address>')
      .replace(/\t\d{3}\s*(?=\t0)|\d{13} */g, '<n>')
      .replace(/console-consumer-\d+ */g, 'console-consumer-<n> ')
      .replace(/Time:\d{13}/g, 'Time:<ms>')
      .replace(/(?<=LogEndOffset|Epoch: +|HighWatermark: +|Time(?:Ms|stamp)?: +)\d+/g, '<n>')
      .replace(/\tConfigs: (.*)$/gm, (_, configs: string) => `\tConfigs: ${configs.split(',').sort().join(',')}`)
      .replace(/"size":\d+/g, '"size":<n>')
      .replace(/"logDir":"[^"]*"/g, '"logDir":"<dir>"')
      .replace(/\n?Error: Executing consumer group command failed due to exit code \d/, '')
      .trimEnd()
  return { code: outcome.code, output: mask(outcome.output), errors: mask(outcome.errors) }
}
