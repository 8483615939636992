import type { Isolation } from '../../src/client/list-offsets.ts'
import { JavaProcess, type JavaProgram } from './java-process.ts'
import type { Seen } from './truth.ts'

export const INPUT_TOPICS = ['customers', 'lines', 'orders', 'payments']
export const OUTPUT_TOPICS = ['counts', 'receipts']

type Place = Pick<JavaProgram, 'classpath' | 'logFile'>

/** A read_committed reader that goes on while brokers come and go. */
export class Follower {
  readonly #process: JavaProcess
  readonly seen: Seen[] = []

  constructor(place: Place, bootstrap: string) {
    const args = [bootstrap, 'follow', OUTPUT_TOPICS.join(','), 'read_committed']
    this.#process = new JavaProcess({ ...place, main: 'Watcher', args }, (line) => this.seen.push(seenOf(line)))
  }

  stop(): Promise<void> {
    return this.#process.kill()
  }
}

export interface Contents {
  readonly seen: readonly Seen[]
  /** Partitions whose last stable offset is not their end. */
  readonly unstable: readonly string[]
}

/** Everything that stands in the topics, read by a new process. */
export async function readAll(
  place: Place,
  bootstrap: string,
  topics: readonly string[],
  isolation: Isolation = 'read_committed',
): Promise<Contents> {
  const seen: Seen[] = []
  const unstable: string[] = []
  const args = [bootstrap, 'once', topics.join(','), isolation]
  const process = new JavaProcess({ ...place, main: 'Watcher', args }, (line) => {
    if (!line.startsWith('end\t')) return void seen.push(seenOf(line))
    const [, partition, stable, end] = line.split('\t')
    if (stable !== end) unstable.push(`${partition}: last stable offset ${stable} of ${end}`)
  })
  await process.exited()
  if (process.exitCode !== 0) throw new Error(`the reader ended with ${process.exitCode}\n${process.logTail()}`)
  return { seen, unstable }
}

function seenOf(line: string): Seen {
  const [topic, partition, offset, key, value] = line.split('\t')
  if (topic === undefined || key === undefined || value === undefined) throw new Error(`not a record: ${line}`)
  return { topic, partition: Number(partition), offset: Number(offset), key, value }
}

/** Records that a reader was given as committed and that are not there, or not the same, afterwards. */
export function takenBack(followed: readonly Seen[], contents: readonly Seen[]): string[] {
  const place = ({ topic, partition, offset }: Seen) => `${topic}-${partition}@${offset}`
  const there = new Map(contents.map((each) => [place(each), each]))
  const given = new Set<string>()
  return followed.flatMap((each) => {
    const at = place(each)
    if (given.has(at)) return [`${at} was given to a reader twice`]
    given.add(at)
    const now = there.get(at)
    if (now?.key === each.key && now.value === each.value) return []
    return [`${at} was ${each.key}=${each.value} to a reader, and is ${now ? `${now.key}=${now.value}` : 'gone'}`]
  })
}
