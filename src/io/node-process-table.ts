import fs from 'node:fs'
import type { ProcessIdentity, ProcessTable } from './process-table.ts'

function readText(path: string): string {
  try {
    return fs.readFileSync(path, 'latin1')
  } catch {
    return '' // No /proc on this system, or no such process.
  }
}

/** The fields of /proc/PID/stat from the third on; the command name before them may contain spaces and parentheses. */
function statOf(pid: number): readonly string[] {
  const stat = readText(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

const STATE_FIELD = 0
const START_TIME_FIELD = 19

function startTimeOf(pid: number): string {
  return statOf(pid)[START_TIME_FIELD] ?? ''
}

/** A zombie holds nothing any more: it was killed, and its parent has not asked for its exit code yet. */
function isZombie(pid: number): boolean {
  return statOf(pid)[STATE_FIELD] === 'Z'
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process cannot be signalled, but it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

const self: ProcessIdentity = {
  pid: process.pid,
  startTime: startTimeOf(process.pid),
  bootId: readText('/proc/sys/kernel/random/boot_id').trim(),
}

export const nodeProcessTable: ProcessTable = {
  self,
  isRunning(identity) {
    if (identity.bootId !== self.bootId) return false
    const { pid, startTime } = identity
    return exists(pid) && startTimeOf(pid) === startTime && !isZombie(pid)
  },
}
