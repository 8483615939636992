import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/config-error.ts'
import { firstTopicsOf, parseTopicSpecs, parseTopicsFile, TOPIC_SPEC_FORM } from '../../src/config/first-topics.ts'

type Plain = [name: string, partitions: number, replicationFactor: number, configs?: Readonly<Record<string, string>>]

const topicOf = ([name, partitions, replicationFactor, configs = {}]: Plain) => ({
  name,
  partitions,
  replicationFactor,
  configs: new Map(Object.entries(configs)),
})
const parse = (text: string) => parseTopicSpecs(text, '')

describe('topics at the start, as a list', () => {
  it.each<[string, Plain[]]>([
    ['', []],
    [' , \n', []],
    ['a', [['a', -1, -1]]],
    ['a:3', [['a', 3, -1]]],
    ['a:3:1', [['a', 3, 1]]],
    ['a:3:1:compact', [['a', 3, 1, { 'cleanup.policy': 'compact' }]]],
    ['a:3:1:compact+delete', [['a', 3, 1, { 'cleanup.policy': 'compact,delete' }]]],
    ['a:-1:-1', [['a', -1, -1]]],
    ['a::2', [['a', -1, 2]]],
    ['a:1:1:', [['a', 1, 1]]],
    [
      'a:1:1:retention.ms=1000:cleanup.policy=compact',
      [['a', 1, 1, { 'retention.ms': '1000', 'cleanup.policy': 'compact' }]],
    ],
    [
      'Topic1:1:3,Topic2:1:1:compact',
      [
        ['Topic1', 1, 3],
        ['Topic2', 1, 1, { 'cleanup.policy': 'compact' }],
      ],
    ],
    [
      ' a : 1 : 1 ,\n  b:2 \n c,',
      [
        ['a', 1, 1],
        ['b', 2, -1],
        ['c', -1, -1],
      ],
    ],
  ])('%j', (text, expected) => {
    expect(parse(text)).toEqual(expected.map(topicOf))
  })

  it.each([
    ['a:x', 'x is no number of partitions'],
    ['a:0', '0 is no number of partitions'],
    ['a:1.5', '1.5 is no number of partitions'],
    ['a:99999999999', '99999999999 is no number of partitions'],
    ['b,a:1:none', 'none is no replication factor'],
    [':3:1', 'there is no name'],
    ['a:1:1:=x', '=x has no name'],
  ])('refuses %j with the form that it should have', (text, why) => {
    expect(() => parse(text)).toThrow(ConfigError)
    expect(() => parse(text)).toThrow(why)
    expect(() => parse(text)).toThrow(`'${text.split(',').at(-1)}' is not of the form ${TOPIC_SPEC_FORM}`)
  })

  it('refuses a topic that is given twice', () => {
    expect(() => parse('a:1,b,a:2')).toThrow('a is given twice')
  })
})

describe('topics at the start, as a file', () => {
  const read = (content: unknown) => parseTopicsFile(JSON.stringify(content), 'topics.json')

  it('has names, or objects with what is to be said', () => {
    const configs = { 'retention.ms': 1000, 'cleanup.policy': 'compact,delete', preallocate: false }
    const topics = ['a', { name: 'b' }, { name: 'c', partitions: 3, replicationFactor: 2, configs }]
    expect(read(topics)).toEqual([
      topicOf(['a', -1, -1]),
      topicOf(['b', -1, -1]),
      topicOf(['c', 3, 2, { 'retention.ms': '1000', 'cleanup.policy': 'compact,delete', preallocate: 'false' }]),
    ])
  })

  it.each<[unknown, string]>([
    [{ name: 'a' }, 'give an array of topics'],
    [[3], 'topic 1: give a name or an object'],
    [['a', {}], 'topic 2: it has no name'],
    [[{ name: '' }], 'it has no name'],
    [[{ name: 'a', partitions: '3' }], 'partitions of a is not a whole number from 1 on'],
    [[{ name: 'a', partitions: 0 }], 'partitions of a is not a whole number from 1 on'],
    [[{ name: 'a', replicationFactor: 1.5 }], 'replicationFactor of a is not a whole number from 1 on'],
    [[{ name: 'a', configs: [] }], 'configs of a is not an object'],
    [[{ name: 'a', configs: { x: null } }], 'x of a is not a string, a number or a boolean'],
    [[{ name: 'a', partition: 3 }], 'there is no field partition; the fields are name, partitions'],
    [['a', { name: 'a' }], 'a is given twice'],
  ])('refuses %j', (content, why) => {
    expect(() => read(content)).toThrow(why)
    expect(() => read(content)).toThrow('odradek.topics.file: topics.json: ')
  })

  it('refuses what is no JSON', () => {
    expect(() => parseTopicsFile('a=b', 'topics.json')).toThrow('odradek.topics.file: topics.json: this is no JSON')
  })

  it('is weaker than the list, topic by topic', () => {
    const settings = { 'odradek.create.topics': 'a:2', 'odradek.topics.file': '/topics.json' }
    const topics = firstTopicsOf(settings, (path) =>
      path === '/topics.json' ? '["b", {"name":"a","partitions":9}]' : null,
    )
    expect(topics).toEqual([topicOf(['b', -1, -1]), topicOf(['a', 2, -1])])
  })

  it('has to be there', () => {
    const settings = { 'odradek.create.topics': null, 'odradek.topics.file': '/nowhere.json' }
    expect(() => firstTopicsOf(settings, () => null)).toThrow('odradek.topics.file: there is no file /nowhere.json')
  })
})
