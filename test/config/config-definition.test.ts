import { describe, expect, it } from 'vitest'
import { brokerConfigs } from '../../src/config/broker-configs.ts'
import { clientMetricsConfigs } from '../../src/config/client-metrics-configs.ts'
import {
  boolean,
  type ConfigDefinition,
  canonicalText,
  configProblem,
  defaultOf,
  double,
  int,
  list,
  long,
  password,
  short,
  string,
} from '../../src/config/config-definition.ts'
import { groupBounds, groupConfigs } from '../../src/config/group-configs.ts'
import { topicConfigs } from '../../src/config/topic-configs.ts'

const tables = { topicConfigs, brokerConfigs, groupConfigs, clientMetricsConfigs }
const rows = Object.entries(tables).flatMap(([table, definitions]) =>
  Object.entries<ConfigDefinition>(definitions).map(([name, definition]) => [table, name, definition] as const),
)

describe('tables of settings', () => {
  it.each(rows)('%s: %s has a default that fits, and words', (_, name, definition) => {
    if (definition.defaultText !== null) {
      expect(configProblem(name, definition, definition.defaultText)).toBeNull()
      expect(canonicalText(definition, definition.defaultText)).toBe(definition.defaultText)
    }
    expect(definition.doc.length).toBeGreaterThan(10)
    expect(definition.doc.endsWith('.')).toBe(true)
  })

  it('have as many rows as Kafka 4.3 has, and ours', () => {
    const kafka = (table: object) => Object.keys(table).filter((name) => !name.startsWith('odradek.')).length
    expect([kafka(topicConfigs), kafka(groupConfigs), kafka(clientMetricsConfigs)]).toEqual([33, 17, 3])
    expect(kafka(brokerConfigs)).toBeGreaterThanOrEqual(340)
  })

  it('list topic settings by name, ours at the end', () => {
    const names = Object.keys(topicConfigs)
    const own = names.filter((name) => name.startsWith('odradek.'))
    expect(names).toEqual([...names.filter((name) => !own.includes(name)).sort(), ...own])
  })

  it.each([...Object.entries<ConfigDefinition>(topicConfigs), ...Object.entries<ConfigDefinition>(groupConfigs)])(
    '%s and its broker settings have the same default',
    (_, definition) => {
      const table: Record<string, ConfigDefinition> = brokerConfigs
      for (const { name } of definition.synonyms) expect(table[name], name).toBeDefined()
      const found = definition.synonyms.find(({ name }) => table[name]!.defaultText !== null)
      if (found === undefined) return
      const { defaultText, type } = table[found.name]!
      const inUnit = found.factor === 1 ? defaultText! : String(BigInt(defaultText!) * BigInt(found.factor))
      expect(inUnit).toBe(definition.defaultText)
      if (found.factor === 1) expect(type).toBe(definition.type)
    },
  )

  it('bound group settings by broker settings that exist', () => {
    for (const [name, { min, max }] of Object.entries(groupBounds)) {
      expect(groupConfigs).toHaveProperty([name])
      for (const bound of [min, max]) if (bound !== undefined) expect(brokerConfigs).toHaveProperty([bound])
    }
  })
})

describe('parsing', () => {
  const level = int(-1, 'A level.', { min: 1, max: 9, or: -1 })
  const retention = long(-1, 'A time.', { min: -1 })
  const policy = list(['delete'], 'A policy.', { oneOf: ['compact', 'delete'] })
  const ratio = double(0.5, 'A ratio.', { min: 0, max: 1 })

  it.each<[ConfigDefinition, string, unknown]>([
    [retention, '5', 5],
    [retention, ' 5 ', 5],
    [retention, '+5', 5],
    [retention, '-1', -1],
    [retention, '007', 7],
    [retention, '9223372036854775807', Number.MAX_SAFE_INTEGER],
    [long(0, 'Any.'), '-9223372036854775808', -Number.MAX_SAFE_INTEGER],
    [int(0, 'Any.'), '2147483647', 2147483647],
    [int(0, 'Any.'), '-2147483648', -2147483648],
    [short(0, 'Any.'), '32767', 32767],
    [level, '-1', -1],
    [level, '9', 9],
    [ratio, '1', 1],
    [ratio, '.5', 0.5],
    [ratio, '5e-1', 0.5],
    [ratio, '0.5f', 0.5],
    [double(0, 'Any.'), '1.7976931348623157E308', Number.MAX_VALUE],
    [double(0, 'Any.'), 'Infinity', Number.POSITIVE_INFINITY],
    [boolean(false, 'Yes or no.'), ' TRUE ', true],
    [boolean(false, 'Yes or no.'), 'False', false],
    [policy, '', []],
    [policy, 'compact , delete', ['compact', 'delete']],
    [policy, 'delete,delete', ['delete']],
    [list([], 'Any.'), 'a,b', ['a', 'b']],
    [string('a', 'A word.', { oneOf: ['a', 'B'], ignoreCase: true }), 'b', 'B'],
    [password('A secret.'), ' x ', ' x '],
  ])('case %#: %o reads %j', (definition, text, value) => {
    expect(definition.parse(text)).toEqual({ value, problem: null })
  })

  it.each<[ConfigDefinition, string, string]>([
    [retention, 'abc', 'Invalid value abc for configuration x: Not a number of type LONG'],
    [retention, '', 'Invalid value  for configuration x: Not a number of type LONG'],
    [retention, '1.5', 'Invalid value 1.5 for configuration x: Not a number of type LONG'],
    [retention, '0x10', 'Invalid value 0x10 for configuration x: Not a number of type LONG'],
    [
      retention,
      '9223372036854775808',
      'Invalid value 9223372036854775808 for configuration x: Not a number of type LONG',
    ],
    [retention, '-2', 'Invalid value -2 for configuration x: Value must be at least -1'],
    [int(0, 'Any.'), '2147483648', 'Invalid value 2147483648 for configuration x: Not a number of type INT'],
    [short(0, 'Any.'), '32768', 'Invalid value 32768 for configuration x: Not a number of type SHORT'],
    [level, '0', 'Invalid value 0 for configuration x: Value must be between 1 and 9 or equal to -1'],
    [level, '10', 'Invalid value 10 for configuration x: Value must be between 1 and 9 or equal to -1'],
    [int(9, 'Any.', { min: 1, max: 17 }), '18', 'Invalid value 18 for configuration x: Value must be no more than 17'],
    [ratio, '1.5', 'Invalid value 1.5 for configuration x: Value must be no more than 1'],
    [ratio, 'x', 'Invalid value x for configuration x: Not a number of type DOUBLE'],
    [
      boolean(false, 'Yes or no.'),
      'yes',
      'Invalid value yes for configuration x: Expected value to be either true or false',
    ],
    [policy, 'nope', 'Invalid value nope for configuration x: String must be one of: compact, delete'],
    [policy, 'delete,', "Configuration 'x' values must not be empty."],
    [policy, 'compact,,delete', "Configuration 'x' values must not be empty."],
    [
      string('a', 'A word.', { oneOf: ['a', 'b'] }),
      'A',
      'Invalid value A for configuration x: String must be one of: a, b',
    ],
    [
      string('a', 'A word.', { oneOf: ['a', 'b'], ignoreCase: true }),
      'c',
      'Invalid value c for configuration x: String must be one of (case insensitive): a, b',
    ],
  ])('case %#: %o refuses %j', (definition, text, problem) => {
    expect(configProblem('x', definition, text)).toBe(problem)
  })

  it.each([
    ['*', null],
    ['1:1,2:2', null],
    ['', null],
    [
      'x',
      'Invalid value [x] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal',
    ],
    ['*,1:1', 'Invalid value [*, 1:1] for configuration leader.replication.throttled.replicas: leader'],
  ])('throttled replicas %j', (text, problem) => {
    const name = 'leader.replication.throttled.replicas'
    const found = configProblem(name, topicConfigs[name], text)
    if (problem === null) expect(found).toBeNull()
    else expect(found).toContain(problem)
  })

  it.each(['latest', 'earliest', 'by_duration:PT1H', 'by_duration:P1DT2H3M4.5S', 'by_duration:P7D'])(
    'a share group may begin at %s',
    (text) => expect(groupConfigs['share.auto.offset.reset'].parse(text).problem).toBeNull(),
  )

  it.each(['', 'none', 'by_duration:', 'by_duration:P', 'by_duration:PT', 'by_duration:x', 'by_duration:-PT1H'])(
    'a share group cannot begin at %j',
    (text) => expect(groupConfigs['share.auto.offset.reset'].parse(text).problem).not.toBeNull(),
  )

  it('does not work long on a number of a million digits', () => {
    expect(retention.parse('9'.repeat(1_000_000)).problem).toBe('Not a number of type LONG')
    expect(retention.parse(`${'0'.repeat(1_000_000)}7`)).toEqual({ value: 7, problem: null })
  })

  it('never shows a password', () => {
    const secret = { ...password('A secret.'), parse: () => ({ problem: 'too short' }) }
    expect(configProblem('x', secret, 'hunter2')).toBe('Invalid value [hidden] for configuration x: too short')
  })

  it('gives typed defaults', () => {
    expect(defaultOf(topicConfigs['cleanup.policy'])).toEqual(['delete'])
    expect(defaultOf(topicConfigs['flush.messages'])).toBe(Number.MAX_SAFE_INTEGER)
    expect(defaultOf(brokerConfigs['log.retention.ms'])).toBeNull()
  })
})
