import { describe, expect, it } from 'vitest'
import { readOptions, usageText } from '../../../src/cli/kafka/option-table.ts'

const TABLE = {
  topic: { kind: 'value', about: 'a topic' },
  partitions: { kind: 'value', integer: true, about: 'a number' },
  list: { kind: 'none', about: 'a flag' },
  state: { kind: 'optional', about: 'maybe a value' },
  config: { kind: 'value', short: 'c', about: 'with a letter' },
} as const

describe('options as Kafka reads them', () => {
  it('takes values behind a blank and behind an equals sign', () => {
    const options = readOptions(['--topic', 'a', '--partitions=3', '--list'], TABLE)
    expect(options.value('topic')).toBe('a')
    expect(options.integer('partitions')).toBe(3)
    expect(options.has('list')).toBe(true)
    expect(options.has('state')).toBe(false)
  })

  it('takes the next argument as a value whatever it looks like', () => {
    expect(readOptions(['--topic', '--list'], TABLE).value('topic')).toBe('--list')
  })

  it('takes a single minus, and letters', () => {
    const options = readOptions(['-topic', 'a', '-c', 'f'], TABLE)
    expect(options.value('topic')).toBe('a')
    expect(options.value('config')).toBe('f')
  })

  it('takes a value that may be left out, but not the next option for it', () => {
    expect(readOptions(['--state', 'empty'], TABLE).value('state')).toBe('empty')
    const without = readOptions(['--state', '--list'], TABLE)
    expect([without.has('state'), without.value('state'), without.has('list')]).toEqual([true, null, true])
    expect(readOptions(['--state', '-1'], TABLE).value('state')).toBe('-1')
  })

  it('keeps all values of an option, and refuses to choose one', () => {
    const options = readOptions(['--topic', 'a', '--topic', 'b'], TABLE)
    expect(options.values('topic')).toEqual(['a', 'b'])
    expect(() => options.value('topic')).toThrow('Found multiple arguments for option topic')
  })

  it.each([
    [['--nonsense'], 'nonsense is not a recognized option'],
    [['--top', 'a'], 'top is not a recognized option'],
    [['--topic'], 'Option topic requires an argument'],
    [['--list=1'], 'Option list does not take an argument'],
    [['--__proto__'], '__proto__ is not a recognized option'],
  ])('%j is refused', (args, message) => {
    expect(() => readOptions(args, TABLE)).toThrow(message)
  })

  it('refuses what is no number when it is asked for', () => {
    const options = readOptions(['--partitions', 'x'], TABLE)
    expect(() => options.integer('partitions')).toThrow("Cannot parse argument 'x' of option partitions")
  })

  it('leaves the rest behind two minus signs alone', () => {
    expect(readOptions(['--list', '--', '--topic'], TABLE).positionals).toEqual(['--topic'])
  })

  it('shows every option in its usage text', () => {
    const text = usageText(TABLE)
    expect(text).toMatch(/^Option +Description\n/)
    for (const form of ['--topic <String>', '--list', '--state [String]', '-c, --config <String>']) {
      expect(text).toContain(`\n${form}`)
    }
  })
})
