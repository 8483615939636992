import { describe, expect, it } from 'vitest'
import { loadBrokerConfig } from '../../src/config/broker-config.ts'
import { diskMarks, parseDiskMark } from '../../src/config/disk-mark.ts'

const load = (settings: Readonly<Record<string, string>>) =>
  loadBrokerConfig({ commandLine: new Map(Object.entries(settings)) }).config

describe('marks of the disk budget', () => {
  it.each([
    ['1048576', { unit: 'bytes', bytes: 1048576 }],
    ['90%', { unit: 'percent', percent: 90 }],
    ['97.5%', { unit: 'percent', percent: 97.5 }],
    ['1048575', null],
    ['0%', null],
    ['100%', null],
    ['99.5%', null],
    ['-1', null],
    ['90 %', null],
    ['1e9', null],
    ['9'.repeat(16), null],
    ['', null],
  ])('reads %s', (text, mark) => {
    expect(parseDiskMark(text)).toEqual(mark)
  })

  it('puts the low mark at 95 % of the high one where nothing says otherwise', () => {
    expect(diskMarks('2000000', 'auto')?.low).toEqual({ unit: 'bytes', bytes: 1_900_000 })
    expect(diskMarks('80%', 'auto')?.low).toEqual({ unit: 'percent', percent: 76 })
    expect(diskMarks('80%', '50%')?.low).toEqual({ unit: 'percent', percent: 50 })
    expect(diskMarks('off', '50%')).toBeNull()
  })

  it('is no budget unless it is set, and rejects unless told to delete', () => {
    const config = load({})
    expect(diskMarks(config['odradek.disk.budget.high'], config['odradek.disk.budget.low'])).toBeNull()
    expect(config['odradek.disk.budget.action']).toBe('reject')
  })

  it('refuses marks that contradict each other, with both values', () => {
    const high = 'odradek.disk.budget.high'
    const low = 'odradek.disk.budget.low'
    expect(() => load({ [high]: '80%', [low]: '80%' })).toThrow(
      'odradek.disk.budget.low (80%) must be less than odradek.disk.budget.high (80%)',
    )
    expect(() => load({ [high]: '2000000', [low]: '50%' })).toThrow('must both be bytes or both be percentages')
    expect(load({ [low]: '50%' })[low], 'without a high mark it says nothing yet').toBe('50%')
  })
})
