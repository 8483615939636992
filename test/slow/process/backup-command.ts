import { cpSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { type Finished, runToEnd } from '../../../compat-tests/process.ts'
import { cleanEnvironment, repository, SOURCE, temporaryFolder } from '../../support/process.ts'

const TIMEOUT_MS = 60_000

/** `odradek …` with a command that ends by itself. */
export function odradek(...args: string[]): Promise<Finished> {
  const [command, ...first] = SOURCE
  const options = { cwd: repository, env: cleanEnvironment(), timeoutMs: TIMEOUT_MS }
  return runToEnd(command, [...first, ...args], options)
}

/** Fails with every line that `odradek verify` prints unless there is no error. */
export async function expectSound(data: string): Promise<string> {
  const { code, stdout, stderr } = await odradek('verify', data)
  expect(code, stdout + stderr).toBe(0)
  return stdout
}

/** What a person does to restore. */
export function restored(copy: string): string {
  const data = path.join(temporaryFolder(), 'data')
  cpSync(copy, data, { recursive: true, preserveTimestamps: true })
  return data
}
