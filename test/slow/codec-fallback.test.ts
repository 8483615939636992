import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = `
  import { codecOf } from './protocol/codec/codec.ts'
  import { Reader } from './protocol/codec/reader.ts'
  import { Writer } from './protocol/codec/writer.ts'
  import { Heartbeat } from './protocol/messages/12-heartbeat.ts'
  const value = { groupId: 'g', generationId: 3, memberId: 'm', groupInstanceId: null }
  const writer = new Writer()
  codecOf(Heartbeat.request, 4).encode(writer, value)
  console.log(JSON.stringify(codecOf(Heartbeat.request, 4).decode(new Reader(writer.bytes()))))
`

it('where code generation from strings is forbidden, messages are interpreted', () => {
  const flags = ['--disallow-code-generation-from-strings', '--no-warnings', '--input-type=module-typescript']
  const output = execFileSync(process.execPath, [...flags, '--eval', program], { cwd: root, encoding: 'utf8' })
  expect(JSON.parse(output)).toEqual({ groupId: 'g', generationId: 3, memberId: 'm', groupInstanceId: null })
})

it('the command that prints a codec prints generated source, and says what it wants otherwise', () => {
  const print = (...args: string[]) =>
    execFileSync(process.execPath, ['scripts/print-codec.ts', ...args], { cwd: root, encoding: 'utf8', stdio: 'pipe' })
  expect(print('Produce', '13')).toContain('sourceURL=odradek-codec/ProduceResponse.v13.encode.js')
  expect(print('produce', '13', 'request')).not.toContain('ProduceResponse')
  expect(() => print('Produce', '99')).toThrow('Produce has the versions 3 to 13')
  expect(() => print('Nothing', '1')).toThrow('usage:')
})
