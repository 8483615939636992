import { channel } from 'node:diagnostics_channel'
import { beforeEach, describe, expect, it } from 'vitest'
import type { CommitEvent } from '../../src/broker/broker-event.ts'
import { BrokerEvents, type EventFields, type EventOrigin } from '../../src/broker/broker-events.ts'
import { captureLog, type LogCapture } from '../support/log-capture.ts'

const origin: EventOrigin = {
  clock: { nowMs: () => 1234 },
  metadata: { image: { clusterId: 'a-cluster' } },
  membership: { selfId: 7 },
}

let log: LogCapture
let events: BrokerEvents
beforeEach(() => {
  log = captureLog()
  events = new BrokerEvents(log.logger)
})

function commit(offset: number): EventFields<'commit'> {
  const place = { topic: 't', partition: 0, offset, leaderEpoch: -1, metadata: '' }
  return { groupId: 'g', ...place, memberId: 'm', generationId: 1 }
}

describe('the hub of events', () => {
  it('tells listeners in the order of their coming, with where and when', () => {
    const seen: [string, CommitEvent][] = []
    events.on('commit', (event) => seen.push(['first', event]))
    events.on('commit', (event) => seen.push(['second', event]))
    events.emit('commit', origin, commit(5))
    expect(seen.map(([who]) => who)).toEqual(['first', 'second'])
    expect(seen[0]![1]).toEqual({ clusterId: 'a-cluster', brokerId: 7, timestampMs: 1234, ...commit(5) })
  })

  it('has nobody until somebody listens, and again afterwards', () => {
    expect(events.has('commit')).toBe(false)
    const stop = events.on('commit', () => {})
    expect(events.has('commit')).toBe(true)
    expect(events.has('produce')).toBe(false)
    stop()
    stop()
    expect(events.has('commit')).toBe(false)
  })

  it('without listeners nothing is built: the origin is not even asked', () => {
    const clock = {
      nowMs: () => {
        throw new Error('asked')
      },
    }
    expect(() => events.emit('commit', { ...origin, clock }, commit(1))).not.toThrow()
    events.on('commit', () => {})
    expect(() => events.emit('commit', { ...origin, clock }, commit(1))).toThrow('asked')
  })

  it('a listener added twice is told twice; each end ends one, off ends both', () => {
    let told = 0
    const listener = () => {
      told++
    }
    const stop = events.on('commit', listener)
    events.on('commit', listener)
    events.emit('commit', origin, commit(1))
    expect(told).toBe(2)
    stop()
    events.emit('commit', origin, commit(2))
    expect(told).toBe(3)
    events.on('commit', listener)
    events.off('commit', listener)
    events.emit('commit', origin, commit(3))
    expect(told).toBe(3)
  })

  it('a listener that comes or goes while an event is told changes nothing of that event', () => {
    const seen: string[] = []
    events.on('commit', () => {
      seen.push('first')
      stop()
      events.on('commit', () => seen.push('late'))
    })
    const stop = events.on('commit', () => seen.push('second'))
    events.emit('commit', origin, commit(1))
    expect(seen).toEqual(['first', 'second'])
  })

  it('a listener that throws is logged once, with the name of the event, and the others are told', () => {
    let told = 0
    events.on('commit', () => {
      throw new Error('a listener without manners')
    })
    events.on('commit', () => {
      told++
    })
    events.emit('commit', origin, commit(1))
    events.emit('commit', origin, commit(2))
    expect(told).toBe(2)
    expect(log.warnings).toHaveLength(1)
    expect(log.warnings[0]).toMatchObject({ event: 'commit', err: { message: 'a listener without manners' } })
  })

  it('an async listener that rejects is logged as well, and is no unhandled rejection', async () => {
    events.on('commit', async () => {
      throw new Error('later')
    })
    events.emit('commit', origin, commit(1))
    await new Promise((resolve) => setImmediate(resolve))
    expect(log.warnings).toHaveLength(1)
    expect(log.warnings[0]).toMatchObject({ event: 'commit', err: { message: 'later' } })
  })

  it('events cannot be changed by who is told first', () => {
    events.on('commit', (event) => {
      Object.assign(event, { offset: 99 })
    })
    const seen: number[] = []
    events.on('commit', ({ offset }) => seen.push(offset))
    events.emit('commit', origin, commit(1))
    expect(seen).toEqual([1])
    expect(log.warnings).toHaveLength(1)
  })

  it('an unknown event is a mistake worth a sentence', () => {
    expect(() => events.on('commits' as 'commit', () => {})).toThrow("there is no event 'commits'; there are connect,")
    expect(() => events.on('constructor' as 'commit', () => {})).toThrow(TypeError)
  })
})

describe('the next event', () => {
  it('is the first that fits, and then nobody listens any more', async () => {
    const next = events.next('commit', ({ offset }) => offset > 1)
    events.emit('commit', origin, commit(1))
    events.emit('commit', origin, commit(2))
    events.emit('commit', origin, commit(3))
    expect((await next).offset).toBe(2)
    expect(events.has('commit')).toBe(false)
  })

  it('rejects with the reason of the signal', async () => {
    const end = new AbortController()
    const next = events.next('commit', undefined, end.signal)
    end.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    expect(events.has('commit')).toBe(false)
    await expect(events.next('commit', undefined, end.signal)).rejects.toThrow('enough')
    expect(events.has('commit')).toBe(false)
  })

  it('rejects when what it asks for fails', async () => {
    const next = events.next('commit', () => {
      throw new Error('a bad question')
    })
    events.emit('commit', origin, commit(1))
    await expect(next).rejects.toThrow('a bad question')
    expect(log.warnings).toEqual([])
  })
})

describe('diagnostics channels', () => {
  it('carry the same events, as long as somebody subscribes', () => {
    const seen: unknown[] = []
    const subscriber = (message: unknown, name: string | symbol) => seen.push([name, message])
    channel('odradek:commit').subscribe(subscriber)
    try {
      expect(events.has('commit')).toBe(true)
      events.emit('commit', origin, commit(1))
    } finally {
      channel('odradek:commit').unsubscribe(subscriber)
    }
    events.emit('commit', origin, commit(2))
    expect(seen).toEqual([['odradek:commit', { clusterId: 'a-cluster', brokerId: 7, timestampMs: 1234, ...commit(1) }]])
    expect(events.has('commit')).toBe(false)
  })
})
