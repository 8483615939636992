import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { FrameReader } from '../../src/server/frame-reader.ts'

function framed(payload: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(payload.length)
  return Buffer.concat([size, payload])
}

/** Takes all complete frames, giving memory to whatever asks for it. */
function drain(reader: FrameReader): Buffer[] {
  const frames: Buffer[] = []
  for (;;) {
    const frame = reader.next()
    if (frame !== null) frames.push(frame)
    else if (reader.wantedBytes > 0) reader.begin()
    else return frames
  }
}

describe('FrameReader', () => {
  it('gives frames within a chunk as views of it', () => {
    const chunk = Buffer.concat([framed(Buffer.alloc(20, 1)), framed(Buffer.alloc(30, 2))])
    const reader = new FrameReader(1000)
    reader.append(chunk, false)
    const frames = drain(reader)
    expect(frames.map((frame) => frame.length)).toEqual([20, 30])
    expect(frames.every((frame) => frame.buffer === chunk.buffer)).toBe(true)
  })

  it('keeps nothing of a lent chunk', () => {
    const payload = Buffer.from('frame one, whole')
    const chunk = Buffer.concat([framed(payload), framed(payload).subarray(0, 9)])
    const reader = new FrameReader(1000)
    reader.append(chunk, true)
    chunk.fill(0xdd)
    const frames = drain(reader)
    reader.append(framed(payload).subarray(9), true)
    expect([...frames, ...drain(reader)]).toEqual([payload, payload])
  })

  it('trap 16: refuses a size before it takes memory', () => {
    for (const bytes of [-1, 0, 7, 101, 2 ** 31 - 1, -(2 ** 31)]) {
      const reader = new FrameReader(100)
      const size = Buffer.alloc(4)
      size.writeInt32BE(bytes)
      reader.append(size, false)
      expect(() => reader.next()).toThrow(ProtocolError)
      expect(reader.wantedBytes).toBe(0)
      expect(reader.assemblingBytes).toBe(0)
    }
  })

  it('trap 16: knows other protocols also where their openings would be legal sizes', () => {
    const reader = new FrameReader(2 ** 31 - 1)
    reader.append(Buffer.from('GET / HTTP/1.1'), false)
    expect(() => reader.next()).toThrow('HTTP')
    const second = new FrameReader(2 ** 31 - 1)
    second.append(Buffer.concat([framed(Buffer.alloc(9)), Buffer.from('GET ')]), false)
    expect(second.next()).toHaveLength(9)
    expect(second.next()).toBeNull()
    expect(second.wantedBytes).toBe(Buffer.from('GET ').readInt32BE())
  })

  it('takes frames of the smallest and the largest legal size', () => {
    const reader = new FrameReader(100)
    reader.append(Buffer.concat([framed(Buffer.alloc(8)), framed(Buffer.alloc(100))]), false)
    expect(drain(reader).map((frame) => frame.length)).toEqual([8, 100])
  })

  it('offers the memory of a large frame to be read into', () => {
    const payload = new SimulatedRandom(1).bytes(200_000)
    const bytes = framed(payload)
    const reader = new FrameReader(1_000_000)
    reader.append(bytes.subarray(0, 100), false)
    expect(reader.readInto()).toBeNull()
    expect(drain(reader)).toEqual([])
    let at = 100
    while (at < bytes.length) {
      const into = reader.readInto()
      const length = Math.min(70_000, into?.length ?? 70_000)
      const read = bytes.subarray(at, at + length)
      if (into === null) reader.append(read, true)
      else {
        read.copy(into)
        reader.append(into.subarray(0, read.length), false)
      }
      at += read.length
    }
    expect(drain(reader)).toEqual([payload])
    expect(reader.assemblingBytes).toBe(0)
  })

  it('does not pin a chunk for a part of a size', () => {
    const reader = new FrameReader(1000)
    const chunk = Buffer.concat([framed(Buffer.alloc(500)), Buffer.from([0, 0])])
    reader.append(chunk, false)
    expect(drain(reader)).toHaveLength(1)
    chunk.fill(0xff)
    reader.append(Buffer.concat([Buffer.from([0, 9]), Buffer.alloc(9)]), false)
    expect(drain(reader)).toEqual([Buffer.alloc(9)])
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i: finds the same frames however the bytes are cut', (seed) => {
    const random = new SimulatedRandom(seed)
    const payloads = Array.from({ length: 200 }, () =>
      random.bytes(8 + random.below(random.below(4) === 0 ? 5000 : 50)),
    )
    const bytes = Buffer.concat(payloads.map(framed))
    const reader = new FrameReader(10_000)
    const frames: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const chunk = Buffer.from(bytes.subarray(at, at + 1 + random.below(random.below(3) === 0 ? 5 : 3000)))
      at += chunk.length
      const lent = random.below(2) === 0
      reader.append(chunk, lent)
      if (lent) chunk.fill(0xdd)
      frames.push(...drain(reader))
    }
    expect(frames).toEqual(payloads)
  })
})
