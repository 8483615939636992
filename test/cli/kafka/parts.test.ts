import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import { failureOf } from '../../../src/cli/kafka/java-errors.ts'
import { parseDateTime, parseDuration } from '../../../src/cli/kafka/java-time.ts'
import { apiLines } from '../../../src/cli/kafka/kafka-broker-api-versions.ts'
import { addedConfigs } from '../../../src/cli/kafka/kafka-configs.ts'
import { KAFKA_GET_OFFSETS, wantedPartitions } from '../../../src/cli/kafka/kafka-get-offsets.ts'
import { startArguments } from '../../../src/cli/kafka/kafka-server-start.ts'
import { readOptions } from '../../../src/cli/kafka/option-table.ts'
import { TopicFilter } from '../../../src/cli/kafka/topic-filter.ts'
import { addressOf, serveRuok } from '../../../src/cli/kafka/zookeeper-server-start.ts'
import { nodeClock } from '../../../src/io/node-clock.ts'
import { SimulatedRandom } from '../../../src/io/simulated-random.ts'
import { SimulatedNetwork } from '../../../src/io/simulated-transport.ts'

describe('configs to be added', () => {
  it('keeps commas within brackets', () => {
    const configs = addedConfigs('retention.ms=1000,cleanup.policy=[delete,compact],a=')
    expect([...configs]).toEqual([
      ['retention.ms', '1000'],
      ['cleanup.policy', 'delete,compact'],
      ['a', ''],
    ])
  })

  it('refuses a name without a value', () => {
    expect(() => addedConfigs('retention.ms')).toThrow('must be in the format "key=val"')
  })
})

describe('the partitions of kafka-get-offsets', () => {
  const partitions = (...args: string[]) => {
    const wanted = wantedPartitions(readOptions(args, KAFKA_GET_OFFSETS.options))
    const all = ['a', 'ab', '__consumer_offsets'].flatMap((topic) => [0, 1, 2, 3].map((one) => [topic, one] as const))
    return all.filter(([topic, partition]) => wanted(topic, partition)).map((one) => one.join(':'))
  }

  it.each([
    [
      ['--topic', 'a', '--partitions', '0,3'],
      ['a:0', 'a:3'],
    ],
    [
      ['--topic', 'a.*', '--partitions', '3'],
      ['a:3', 'ab:3'],
    ],
    [
      ['--topic-partitions', 'a:1-3,ab:0'],
      ['a:1', 'a:2', 'ab:0'],
    ],
    [
      ['--topic-partitions', 'a:2-'],
      ['a:2', 'a:3'],
    ],
    [
      ['--topic-partitions', 'a:-2'],
      ['a:0', 'a:1'],
    ],
    [
      ['--topic-partitions', ':0'],
      ['a:0', 'ab:0', '__consumer_offsets:0'],
    ],
    [
      ['--topic-partitions', ':0', '--exclude-internal-topics'],
      ['a:0', 'ab:0'],
    ],
  ])('%j', (args, expected) => {
    expect(partitions(...args)).toEqual(expected)
  })
})

describe('topics by pattern', () => {
  it('means whole names, and takes commas for or', () => {
    const filter = new TopicFilter('"orders, pay.*"')
    expect(['orders', 'pay.ments', 'orders2'].filter((name) => filter.allows(name, false))).toEqual([
      'orders',
      'pay.ments',
    ])
  })

  it('refuses what is no regular expression', () => {
    expect(() => new TopicFilter('(')).toThrow('( is an invalid regex.')
  })
})

describe('times as Java reads them', () => {
  it.each([
    ['2001-01-01T00:00:00.000', 978307200000],
    ['2001-01-01T00:00:00.000Z', 978307200000],
    ['2001-01-01T02:00:00+02:00', 978307200000],
    ['2001-01-01T02:00:00+0200', 978307200000],
    ['2001-01-01T02:00:00.500+02', 978307200500],
  ])('%s', (text, timeMs) => {
    expect(parseDateTime(text)).toBe(timeMs)
  })

  it.each(['soon', '2001-01-01', '2001-13-01T00:00:00', 'T'])('refuses the time %s', (text) => {
    expect(() => parseDateTime(text)).toThrow('ParseException')
  })

  it.each([
    ['PT1H', 3_600_000],
    ['P1DT2H30M', 95_400_000],
    ['PT0.5S', 500],
    ['-PT1S', -1000],
  ])('%s', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs)
  })

  it.each(['P', 'PT', 'soon', '1H'])('refuses the duration %s', (text) => {
    expect(() => parseDuration(text)).toThrow('Text cannot be parsed to a Duration')
  })
})

describe('errors as Java names them', () => {
  it.each([
    [ErrorCode.TOPIC_ALREADY_EXISTS, 'TopicExistsException'],
    [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'UnknownTopicOrPartitionException'],
    [ErrorCode.GROUP_ID_NOT_FOUND, 'GroupIdNotFoundException'],
    [ErrorCode.NON_EMPTY_GROUP, 'GroupNotEmptyException'],
    [ErrorCode.INVALID_TOPIC_EXCEPTION, 'InvalidTopicException'],
  ])('%i', (code, name) => {
    expect(failureOf(code).javaClass).toBe(`org.apache.kafka.common.errors.${name}`)
  })

  it('prefers what the broker said', () => {
    expect(failureOf(ErrorCode.TOPIC_ALREADY_EXISTS, 'It is there.').text).toMatch(/: It is there\.$/)
  })
})

describe('the APIs of a broker', () => {
  it('shows ranges, single versions, what is missing and what nobody knows', () => {
    const lines = apiLines([
      { apiKey: 0, minVersion: 3, maxVersion: 13 },
      { apiKey: 1, minVersion: 99, maxVersion: 99 },
      { apiKey: 3, minVersion: 0, maxVersion: 99 },
      { apiKey: 9999, minVersion: 0, maxVersion: 1 },
    ])
    expect(lines[0]).toBe('Produce(0): 3 to 13 [usable: 13]')
    expect(lines[1]).toBe('Fetch(1): 99 [unusable]')
    expect(lines[2]).toBe('ListOffsets(2): UNSUPPORTED')
    expect(lines[3]).toBe('Metadata(3): 0 to 99 [usable: 13]')
    expect(lines.at(-1)).toBe('UNKNOWN(9999): 0 to 1 [unusable]')
  })
})

describe('the arguments of kafka-server-start', () => {
  it('takes a file and overrides', () => {
    const args = ['-daemon', 'f.properties', '--override', 'a=1', '--override=b=2']
    expect(startArguments(args)).toEqual({ daemon: true, file: 'f.properties', overrides: ['a=1', 'b=2'] })
  })

  it.each([[[]], [['--override', 'a=b']], [['f', '--override']], [['f', 'x']], [['f', '--override', 'a']]])(
    'refuses %j',
    (args) => {
      expect(startArguments(args)).toBeNull()
    },
  )
})

describe('what stands in for ZooKeeper', () => {
  it('reads its port from the file', () => {
    expect(addressOf('dataDir=/tmp\nclientPort=2182\n')).toEqual({ host: '0.0.0.0', port: 2182 })
    expect(addressOf('')).toEqual({ host: '0.0.0.0', port: 2181 })
    expect(() => addressOf('clientPort=x')).toThrow('a port is a number')
  })

  it.each([
    ['ruok\n', 'imok'],
    ['stat', ''],
  ])('answers %j with %j and ends', async (request, reply) => {
    const network = new SimulatedNetwork(nodeClock, new SimulatedRandom(1), { maxDelayMs: 0 })
    await serveRuok(network, { host: '127.0.0.1', port: 2181 })
    const socket = network.connect(2181)
    let received = ''
    await new Promise<void>((resolve) => {
      socket.open({
        onData(chunk) {
          received += chunk.toString()
        },
        readInto: () => null,
        onEnd: () => socket.end(),
        onClosed: () => resolve(),
      })
      socket.write([Buffer.from(request)], () => {})
    })
    expect(received).toBe(reply)
  })
})
