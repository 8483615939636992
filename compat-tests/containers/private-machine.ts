import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { endWithUs, runChecked, runToEnd } from '../process.ts'
import { CGROUP } from './docker.ts'

const CGROUPS = '/sys/fs/cgroup'
/** Set for what runs inside. */
export const INSIDE_VARIABLE = 'ODRADEK_CONTAINERS_FOLDER'

/**
 * Namespaces of one's own: ports and addresses that nobody else has and nothing beyond them, mounts that nobody else
 * sees, and processes that all end with the first one, however that ends. The kernel cleans up, not a program that may
 * have been killed.
 */
const UNSHARE = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private']

/** Why there can be none, or null. */
export async function whyNoPrivateMachine(): Promise<string | null> {
  const { code, stderr } = await runToEnd('unshare', [...UNSHARE, 'true'])
  return code === 0 ? null : `no Docker engine answers, and none can be shut off from others: ${stderr.trim()}`
}

/** Runs this Node with these arguments inside; gives its exit code. */
export async function runInPrivateMachine(args: readonly string[], folder: string): Promise<number> {
  const child: ChildProcess = spawn(
    'unshare',
    [...UNSHARE, process.execPath, '--disable-warning=TimeoutNegativeWarning', ...args],
    {
      stdio: 'inherit',
      env: { ...process.env, [INSIDE_VARIABLE]: folder },
    },
  )
  endWithUs(child)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code) => resolve(code ?? 1))
    })
  } finally {
    removeCgroups()
  }
}

/** To be called first, inside. */
export async function bringUpLoopback(): Promise<void> {
  await runChecked('ip', ['link', 'set', 'lo', 'up'])
}

/** What an engine leaves behind when it is killed. They are empty: all who were in them have ended. */
function removeCgroups(): void {
  for (const controller of foldersIn(CGROUPS)) removeTree(join(CGROUPS, controller, CGROUP))
  removeTree(join(CGROUPS, CGROUP))
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
