import { appendFileSync, copyFileSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { runChecked } from '../process.ts'
import { INSIDE_VARIABLE } from './private-machine.ts'
import type { World } from './scenario.ts'

/**
 * Does the work while a name stands for an address. In the mounts of our own machine alone; where there is none the file
 * of names is somebody else's, and this is noted as not tried.
 */
export async function withHostName(
  { folder, note }: World,
  name: string,
  address: string,
  work: () => Promise<void>,
): Promise<void> {
  if (process.env[INSIDE_VARIABLE] === undefined) {
    note('not tried: names are given in /etc/hosts, which here is not ours')
    return
  }
  const hosts = join(mkdtempSync(join(folder, 'names-')), 'hosts')
  copyFileSync('/etc/hosts', hosts)
  appendFileSync(hosts, `\n${address} ${name}\n`)
  await runChecked('mount', ['--bind', hosts, '/etc/hosts'])
  try {
    await work()
  } finally {
    await runChecked('umount', ['/etc/hosts'])
  }
}
