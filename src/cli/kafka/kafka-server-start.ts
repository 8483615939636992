import { spawn } from 'node:child_process'
import { describeFailure } from '../failure.ts'
import type { ToolIo } from './tool-io.ts'

const USAGE = 'USAGE: kafka-server-start [-daemon] server.properties [--override property=value]*'

interface StartArguments {
  readonly daemon: boolean
  readonly file: string
  readonly overrides: readonly string[]
}

/** Null where they are not what the script of Kafka takes. */
export function startArguments(args: readonly string[]): StartArguments | null {
  const rest = [...args]
  let daemon = false
  // The names of other scripts' options: a name for the process, and where its log would be.
  while (rest[0] === '-daemon' || rest[0] === '-name' || rest[0] === '-loggc') {
    const option = rest.shift()
    if (option === '-daemon') daemon = true
    if (option === '-name') rest.shift()
  }
  const file = rest.shift()
  if (file === undefined || file.startsWith('-')) return null
  const overrides: string[] = []
  while (rest.length > 0) {
    const option = rest.shift()!
    const value = option.startsWith('--override=') ? option.slice('--override='.length) : rest.shift()
    if (!/^--override(?:=|$)/.test(option) || value === undefined || !/^[^=]+=/.test(value)) return null
    overrides.push(value)
  }
  return { daemon, file, overrides }
}

/** The broker itself, in this process; with -daemon in one of its own. */
export async function kafkaServerStart(args: readonly string[], io: ToolIo): Promise<number> {
  const given = startArguments(args)
  if (given === null) {
    io.err(`${USAGE}\n`)
    return 1
  }
  if (given.daemon) return startDaemon(args)
  const { start } = await import('../start.ts')
  await start(
    [
      { name: 'config', rawName: '--config', value: given.file },
      ...given.overrides.map((value) => ({ name: 'set', rawName: '--override', value }) as const),
    ],
    fail,
  )
  return 0
}

function fail(error: unknown): never {
  process.stderr.write(`${describeFailure(error)}\n`)
  process.exit(1)
}

/** As Kafka's script does with nohup: nobody waits for it, and its output goes nowhere. */
function startDaemon(args: readonly string[]): number {
  const program = process.argv[1]!
  const rest = args.filter((arg) => arg !== '-daemon')
  const child = spawn(process.execPath, [program, 'kafka-server-start', ...rest], { detached: true, stdio: 'ignore' })
  child.unref()
  return 0
}
