import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReplyFrames } from '../../src/client/reply-frames.ts'

function framed(payload: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(payload.length)
  return Buffer.concat([size, payload])
}

describe('replies', () => {
  it('are the same however the bytes come', () => {
    const payload = fc.uint8Array({ minLength: 4, maxLength: 40 }).map((some) => Buffer.from(some))
    fc.assert(
      fc.property(fc.array(payload), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (payloads, sizes) => {
        const bytes = Buffer.concat(payloads.map(framed))
        const frames = new ReplyFrames(1000)
        const seen: Buffer[] = []
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const end = at + sizes[turn % sizes.length]!
          for (const frame of frames.push(bytes.subarray(at, end))) seen.push(Buffer.from(frame))
          at = end
        }
        expect(seen).toEqual(payloads)
      }),
    )
  })

  it.each([
    ['too large', Buffer.from('000003e9', 'hex'), 'a reply of 1001 bytes was announced; at most 1000 are read'],
    ['negative', Buffer.from('ffffffff', 'hex'), 'a reply of -1 bytes'],
    ['too small for a correlation id', Buffer.from('00000003', 'hex'), 'a reply of 3 bytes'],
  ])('%s are refused before anything is kept for them', (_what, bytes, message) => {
    expect(() => [...new ReplyFrames(1000).push(bytes)]).toThrow(message)
  })
})
