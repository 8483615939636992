import { spawn } from 'node:child_process'
import { readdirSync, rmdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { endWithUs, runChecked, runToEnd } from '../process.ts'

const CGROUPS = '/sys/fs/cgroup'
/** Set for what runs inside. */
export const INSIDE_VARIABLE = 'ODRADEK_CONTAINERS_FOLDER'

/**
 * Namespaces of one's own: ports and addresses that nobody else has and nothing beyond them, mounts that nobody else
 * sees, and processes that all end with the first one, however that ends. The kernel cleans up, not a program that may
 * have been killed.
 */
const UNSHARE = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private']

/** The kernel ends it when we end, even by a kill. */
const WITH_US = ['setpriv', '--pdeathsig', 'KILL'] as const

/** Why there can be none, or null. */
export async function whyNoPrivateMachine(): Promise<string | null> {
  const [program, ...rest] = [...WITH_US, 'unshare', ...UNSHARE, 'true'] as const
  const { code, stderr } = await runToEnd(program, rest)
  return code === 0 ? null : `no Docker engine answers, and none can be shut off from others: ${stderr.trim()}`
}

/** Runs this Node with these arguments inside, where startEngine may use the folder; gives its exit code. */
export async function runInPrivateMachine(args: readonly string[], folder: string): Promise<number> {
  const node = [process.execPath, '--disable-warning=TimeoutNegativeWarning', ...args]
  const [program, ...rest] = [...WITH_US, 'unshare', ...UNSHARE, ...node] as const
  const child = spawn(program, rest, { stdio: 'inherit', env: { ...process.env, [INSIDE_VARIABLE]: folder } })
  endWithUs(child)
  process.once('exit', () => removeCgroups(basename(folder)))
  return new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

/** To be called first, inside. */
export async function bringUpLoopback(): Promise<void> {
  await runChecked('ip', ['link', 'set', 'lo', 'up'])
}

/** What an engine leaves behind when it is killed; empty when all who were in them have ended. */
function removeCgroups(name: string): void {
  for (const controller of foldersIn(CGROUPS)) removeTree(join(CGROUPS, controller, name))
  removeTree(join(CGROUPS, name))
}

function removeTree(folder: string): void {
  for (const name of foldersIn(folder)) removeTree(join(folder, name))
  try {
    rmdirSync(folder)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOENT' && code !== 'EBUSY') throw error
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
