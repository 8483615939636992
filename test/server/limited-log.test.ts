import { describe, expect, it } from 'vitest'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { LimitedLog } from '../../src/server/limited-log.ts'
import { captureLog } from '../support/log-capture.ts'

describe('LimitedLog', () => {
  it('writes so many lines of a kind, then how many it left out', () => {
    const clock = new SimulatedClock()
    const { logger, lines } = captureLog()
    const log = new LimitedLog(logger, clock)
    for (let round = 0; round < 100; round++) log.warn('protocol', { round }, 'closing a connection')
    log.warn('limit', {}, 'refusing a connection')
    const written = lines.filter(({ msg }) => msg === 'closing a connection').length
    expect(written).toBeGreaterThan(0)
    expect(written).toBeLessThan(50)
    expect(lines.at(-1)!.msg).toBe('refusing a connection')
    clock.advance(60_000)
    log.warn('protocol', {}, 'closing a connection')
    expect(lines.at(-2)).toMatchObject({ suppressed: 100 - written, msg: 'more of the same: protocol' })
    expect(lines.at(-1)!.msg).toBe('closing a connection')
  })
})
