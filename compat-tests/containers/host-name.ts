import { appendFileSync, copyFileSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { runChecked } from '../process.ts'
import { INSIDE_VARIABLE } from './private-machine.ts'
import { NotTried, type World } from './scenario.ts'

/**
 * Does the work while a name stands for an address, in the mounts of our own machine alone. Throws NotTried where the
 * file of names is somebody else's.
 */
export async function withHostName(
  { folder }: World,
  name: string,
  address: string,
  work: () => Promise<void>,
): Promise<void> {
  if (process.env[INSIDE_VARIABLE] === undefined) {
    throw new NotTried('names are given in /etc/hosts, which here is not ours')
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
