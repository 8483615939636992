import fs from 'node:fs'
import type { ProcessIdentity, ProcessTable } from './process-table.ts'

function readText(path: string): string {
  try {
    return fs.readFileSync(path, 'latin1')
  } catch {
    return '' // No /proc on this system, or no such process.
  }
}

/** Field 22 of /proc/PID/stat; the command name before it may contain spaces and parentheses. */
function startTimeOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
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
    return exists(identity.pid) && startTimeOf(identity.pid) === identity.startTime
  },
}
