import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readComposeFile } from '../../compat-tests/shapes/compose-file.ts'
import { shellWords } from '../../compat-tests/shapes/shell-words.ts'
import { listeningFile, reach, type VirtualNetwork } from '../../compat-tests/shapes/virtual-network.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'odradek-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

function compose(service: readonly string[], surroundings = {}) {
  const file = path.join(folder, 'compose.yml')
  writeFileSync(file, `services:\n  kafka:\n    image: odradek\n${service.map((line) => `    ${line}\n`).join('')}`)
  return readComposeFile(file, surroundings)[0]!
}

function variable(text: string): string {
  return `$\{${text}}`
}

describe('words of a command line', () => {
  it.each([
    ['a  b\n c', ['a', 'b', 'c']],
    [`sh -c "echo 'a b'; exit \\"1\\""`, ['sh', '-c', `echo 'a b'; exit "1"`]],
    [`a'b c'd ''`, ['ab cd', '']],
    ['one\\\n two a\\ b', ['one', 'two', 'a b']],
  ])('%j', (text, words) => expect(shellWords(text)).toEqual(words))

  it('a quote that is not closed is an error', () => expect(() => shellWords('a "b')).toThrow('not closed'))
})

describe('a compose file', () => {
  it('has variables with defaults, and two dollars for one', () => {
    const words = ['$A', variable('B:-b'), variable('B-c'), `$${variable('C')}`, variable('D:-')].map((word) =>
      JSON.stringify(word),
    )
    const { command } = compose([`command: [${words.join(', ')}]`], { A: '1', B: '' })
    expect(command).toEqual(['1', 'b', '', variable('C'), ''])
    expect(() => compose([`hostname: ${variable('HOST:?say it')}`])).toThrow('say it')
  })

  it('has an environment as a list or a map, exact to the last digit', () => {
    expect(compose(['environment: [A=b=c, D]']).environment).toEqual({ A: 'b=c', D: '' })
    const large = compose(['environment: { A: 9223372036854775807, B: true, C: }']).environment
    expect(large).toEqual({ A: '9223372036854775807', B: 'true', C: '' })
  })

  it('has healthchecks in three forms, and ports in four', () => {
    expect(compose(['healthcheck: { test: a b, interval: 1m30s }']).healthcheck).toMatchObject({
      command: ['/bin/sh', '-c', 'a b'],
      intervalMs: 90_000,
    })
    expect(compose(['healthcheck: { test: [CMD, a, b] }']).healthcheck?.command).toEqual(['a', 'b'])
    expect(compose(['healthcheck: { test: [NONE] }']).healthcheck).toBeNull()
    const ports = compose(['ports: [9092, "1:2", "127.0.0.1:3:4", "5:6/tcp"]']).published
    expect([...ports]).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
  })
})

describe('a network without Docker', () => {
  const network: VirtualNetwork = { folder: path.join(folder, 'ports'), names: ['kafka'], published: [[19092, 9092]] }
  const listens = (port: number, scope: string) =>
    writeFileSync(listeningFile(network, port), JSON.stringify({ scope, ports: { host: 1, network: 2, own: 3 } }))
  beforeAll(() => {
    mkdirSync(network.folder)
    listens(9092, 'everywhere')
    listens(9093, 'loopback')
    listens(9094, 'address')
  })

  it.each([
    ['host', 'localhost', 19092, 1],
    // What is not published is not there.
    ['host', 'localhost', 9092, 'ECONNREFUSED'],
    ['host', 'kafka', 19092, 'ENOTFOUND'],
    ['network', 'kafka', 9092, 2],
    ['network', '172.18.0.2', 9092, 2],
    ['network', 'localhost', 9092, 'ECONNREFUSED'],
    ['network', 'other', 9092, 'ENOTFOUND'],
    ['network', 'kafka', 9093, 'ECONNREFUSED'],
    ['network', 'kafka', 9094, 2],
    ['own', 'localhost', 9093, 3],
    ['own', 'localhost', 9094, 'ECONNREFUSED'],
    ['own', 'kafka', 9094, 3],
    ['own', 'kafka', 9099, 'ECONNREFUSED'],
  ] as const)('from %s, %s:%i leads to %s', (from, host, port, expected) => {
    expect(reach(network, from, host, port)).toBe(expected)
  })
})
