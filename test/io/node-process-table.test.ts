import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { nodeProcessTable } from '../../src/io/node-process-table.ts'

const hasProc = process.platform === 'linux'

/** A shell that starts a child, tells its pid, and never asks what became of it: killed, the child stays a zombie. */
async function neglectedChild(): Promise<{ pid: number; end: () => void }> {
  const parent = spawn('/bin/sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = (await new Promise<Buffer>((resolve) => parent.stdout.once('data', resolve))).toString().split('\n')
  return { pid: Number(line), end: () => parent.kill('SIGKILL') }
}

const startTimeOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')[19]!

describe.runIf(hasProc)('the process table', () => {
  const { self, isRunning } = nodeProcessTable

  it('knows that this process runs, and that another one with its pid would not be it', () => {
    expect(isRunning(self)).toBe(true)
    expect(isRunning({ ...self, startTime: '1' })).toBe(false)
    expect(isRunning({ ...self, bootId: 'another boot' })).toBe(false)
  })

  it('a killed broker whose parent has not noticed yet does not keep the data directory locked', async () => {
    const child = await neglectedChild()
    try {
      const identity = { ...self, pid: child.pid, startTime: startTimeOf(child.pid) }
      expect(isRunning(identity)).toBe(true)
      process.kill(child.pid, 'SIGKILL')
      await expect.poll(() => isRunning(identity)).toBe(false)
      expect(readFileSync(`/proc/${child.pid}/stat`, 'latin1')).toContain(') Z ')
    } finally {
      child.end()
    }
  })
})
