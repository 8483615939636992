import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { ClockedBroker } from '../support/clocked-broker.ts'

let broker: ClockedBroker
beforeEach(async () => {
  broker = await ClockedBroker.start()
  await broker.createTopic('orders')
  await broker.createTopic('payments')
})
afterEach(async () => {
  broker.diskFaults.clear()
  await broker.close()
})

const values = async (topic: string) => (await broker.records(topic)).map(({ value }) => value)

describe('a disk that fails under a running broker', () => {
  it('a sync that fails takes one partition offline, and what was acknowledged is there after a restart', async () => {
    expect((await broker.produce('orders', ['a=1'])).error).toBe(0)
    const { id } = broker.diskFaults.add({ kind: 'error', operation: 'sync', path: '*/orders-0/*', times: 1 })
    expect((await broker.produce('orders', ['b=2'])).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(broker.diskFaults.get(id)).toMatchObject({ fired: 1, state: 'spent' })
    // The disk works again, and nobody knows what it has: the partition stays away.
    expect((await broker.produce('orders', ['c=3'])).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect((await broker.produce('payments', ['d=4'])).error).toBe(0)
    await broker.close()
    broker = await ClockedBroker.start({}, broker)
    expect((await values('orders'))[0]).toBe('1')
    expect((await broker.produce('orders', ['e=5'])).error).toBe(0)
    expect(await values('payments')).toEqual(['4'])
  })

  it('a full disk refuses what does not fit, serves readers, and is well again once there is room', async () => {
    expect((await broker.produce('orders', ['a=1'])).error).toBe(0)
    const { id } = broker.diskFaults.add({ kind: 'full', path: '*/orders-0/*.log' })
    expect((await broker.produce('orders', ['b=2'])).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect((await broker.produce('payments', ['c=3'])).error).toBe(0)
    expect(broker.diskFaults.fired(id)).toBeGreaterThan(0)
    expect(await values('orders')).toEqual(['1'])
    broker.diskFaults.remove(id)
    expect((await broker.produce('orders', ['d=4'])).error).toBe(0)
    expect(await values('orders')).toEqual(['1', '4'])
  })

  it('a torn write is an error, and no reader ever sees a part of it', async () => {
    expect((await broker.produce('orders', ['a=1'])).error).toBe(0)
    const { id } = broker.diskFaults.add({ kind: 'torn', path: '*/orders-0/*.log', seed: 5, times: 1 })
    expect((await broker.produce('orders', ['b=2'])).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(broker.diskFaults.fired(id)).toBe(1)
    await broker.close()
    broker = await ClockedBroker.start({}, broker)
    expect(await values('orders')).toEqual(['1'])
    expect((await broker.produce('orders', ['c=3'])).error).toBe(0)
    expect(await values('orders')).toEqual(['1', '3'])
  })

  it('a slow sync delays the answer, and nothing else', async () => {
    const { id } = broker.diskFaults.add({ kind: 'slow', operation: 'sync', path: '*/orders-0/*.log', delayMs: 300 })
    let answered = false
    const slow = broker.produce('orders', ['a=1']).then((answer) => {
      answered = true
      return answer
    })
    while (broker.diskFaults.fired(id) === 0) await broker.advance(0)
    await broker.advance(299)
    expect(answered).toBe(false)
    await broker.advance(1)
    expect((await slow).error).toBe(0)
  })
})
