import { describe, expect, it } from 'vitest'
import { loadBrokerConfig } from '../../src/config/broker-config.ts'
import { virtualBrokerConfigs } from '../../src/config/virtual-brokers.ts'

function configs(count: number, more: Record<string, string> = {}) {
  const texts = new Map(Object.entries({ 'odradek.virtual.brokers': String(count), ...more }))
  return virtualBrokerConfigs(loadBrokerConfig({ commandLine: texts }).config)
}

describe('virtual brokers', () => {
  it('count up ids and ports', () => {
    const listeners = 'PLAINTEXT://:9092,OTHER://127.0.0.1:9192'
    const protocols = { 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT' }
    const three = configs(3, {
      ...protocols,
      listeners,
      'node.id': '5',
      'advertised.listeners': 'OTHER://b.example:7000',
    })
    expect(three.map((config) => config['node.id'])).toEqual([5, 6, 7])
    expect(three.map(({ texts }) => texts.get('listeners'))).toEqual([
      'PLAINTEXT://:9092,OTHER://127.0.0.1:9192',
      'PLAINTEXT://:9093,OTHER://127.0.0.1:9193',
      'PLAINTEXT://:9094,OTHER://127.0.0.1:9194',
    ])
    expect(three.map(({ brokerListeners }) => brokerListeners[1]!.advertisedPort)).toEqual([7000, 7001, 7002])
  })

  it('take free ports where none is given, and replicate topics unless told otherwise', () => {
    const two = configs(2, { listeners: 'PLAINTEXT://127.0.0.1:0' })
    expect(two.map(({ brokerListeners }) => brokerListeners[0]!.port)).toEqual([0, 0])
    expect(two.map((config) => config['default.replication.factor'])).toEqual([2, 2])
    expect(configs(5).at(-1)!['default.replication.factor']).toBe(3)
    expect(configs(5, { 'default.replication.factor': '1' })[0]!['default.replication.factor']).toBe(1)
  })

  it('leave one broker as it is configured', () => {
    const [one] = configs(1)
    expect(one!['default.replication.factor']).toBe(1)
  })

  it('refuse ports that would meet', () => {
    const protocols = { 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT' }
    expect(() => configs(3, { ...protocols, listeners: 'PLAINTEXT://:9092,OTHER://:9094' })).toThrow(
      'listeners: 3 brokers (odradek.virtual.brokers) take the ports 9092 to 9094 for PLAINTEXT, but OTHER begins at 9094',
    )
    expect(() => configs(3, { listeners: 'PLAINTEXT://:65534' })).toThrow('the highest port is 65535')
  })
})
