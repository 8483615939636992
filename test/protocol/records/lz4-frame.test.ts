import { compressFrameSync, decompressFrameSync } from 'lz4-napi'
import { describe, expect, it } from 'vitest'
import { decodeLz4Frame, encodeLz4Frame, lz4FrameBoundBytes } from '../../../protocol/records/lz4-frame.ts'
import { nativeLz4Decoder, nativeLz4Encoder } from '../../../protocol/records/lz4-native.ts'
import { xxhash32 } from '../../../protocol/records/xxhash32.ts'

const LIMIT_BYTES = 1024 * 1024
const text = Buffer.from('compressible, very compressible, most compressible text\n'.repeat(3000))

describe('xxhash32', () => {
  // From the reference implementation.
  it.each([
    ['', 0, 0x02cc5d05],
    ['', 0x9e3779b1, 0x36b78ae7],
    ['a', 0, 0x550d7456],
    ['abc', 0, 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0, 0xe2293b2f],
  ])('%j with seed %d', (input, seed, expected) => {
    const bytes = Buffer.from(input)
    expect(xxhash32(bytes, 0, bytes.length, seed)).toBe(expected)
    expect(xxhash32(Buffer.concat([Buffer.from('xyz'), bytes]), 3, 3 + bytes.length, seed)).toBe(expected)
  })
})

describe.each([
  ['portable', null],
  ['native', nativeLz4Decoder()],
])('LZ4 frames, %s decoder', (_name, native) => {
  const decode = (frame: Buffer, limitBytes = LIMIT_BYTES) => decodeLz4Frame(frame, limitBytes, native)

  it('reads both encoders', () => {
    expect(decode(encodeLz4Frame(text)).equals(text)).toBe(true)
    expect(decode(encodeLz4Frame(text, nativeLz4Encoder())).equals(text)).toBe(true)
  })

  it('reads content and block checksums, and notices when they are wrong', () => {
    const frame = Buffer.from(compressFrameSync(text, { contentChecksum: true, blockChecksums: true }))
    expect(decode(frame).equals(text)).toBe(true)
    const content = Buffer.from(frame)
    content[frame.length - 1]! ^= 1
    expect(() => decode(content)).toThrow('the checksum of an LZ4 frame does not match')
    const block = Buffer.from(frame)
    block[12]! ^= 1
    expect(() => decode(block)).toThrow('the checksum of an LZ4 block does not match')
  })

  it('reads a content size, and checks it before and after', () => {
    expect(decode(sized(text, text.length)).equals(text)).toBe(true)
    expect(() => decode(sized(text, text.length + 1))).toThrow('announces')
    expect(() => decode(sized(text, 2 ** 40))).toThrow('limit')
  })

  it('reads blocks that refer to the block before', () => {
    const first = Buffer.from('0123456789abcdef')
    // Four literals, then twelve bytes from twelve back, which lie in the first block; five literals at the end.
    const second = Buffer.from([0x48, ...Buffer.from('WXYZ'), 12, 0, 0x50, ...Buffer.from('.....')])
    const frame = framed([first, second], { linked: true, stored: [true, false] })
    expect(decode(frame).toString()).toBe('0123456789abcdefWXYZ89abcdefWXYZ.....')
    expect(() => decode(frame, 36)).toThrow('limit')
    const independent = framed([first, second], { linked: false, stored: [true, false] })
    expect(() => decode(independent)).toThrow('reaches 12 bytes back')
  })

  it.each([
    ['another magic number', 0, 0x05, 'magic number'],
    ['version 0', 4, 0x20, 'version 0'],
    ['a dictionary', 4, 0x61, 'dictionary'],
    ['block size code 3', 5, 0x30, 'code 3'],
    ['a wrong header checksum', 6, 0x00, 'header checksum'],
  ])('%s is refused', (_what, at, value, reason) => {
    const frame = Buffer.from(encodeLz4Frame(text))
    frame[at] = value
    expect(() => decode(frame)).toThrow(reason)
  })

  it('bytes after the end mark are refused, as the Java reader ignores them', () => {
    expect(() => decode(Buffer.concat([encodeLz4Frame(text), Buffer.from('x')]))).toThrow('lies in')
  })

  it('a block larger than its frame allows is refused', () => {
    const frame = framed([Buffer.alloc(64 * 1024 + 1)], { linked: false, stored: [true] })
    expect(() => decode(frame)).toThrow('too large')
    const zeros = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), Buffer.alloc(300, 255), Buffer.from([0, 0x50]), text])
    const inflating = framed([zeros.subarray(0, 311)], { linked: false, stored: [false] })
    expect(() => decode(inflating)).toThrow(/larger than|damaged/)
  })

  it('an empty frame gives nothing', () => {
    expect(decode(encodeLz4Frame(Buffer.alloc(0))).length).toBe(0)
  })
})

describe('LZ4 frames as written', () => {
  it('have independent blocks of 64 KiB, no sizes, no checksums, and an end mark', () => {
    const frame = encodeLz4Frame(text)
    expect(frame.subarray(0, 7).toString('hex')).toBe('04224d186040' + '82')
    expect(frame.readUInt32LE(frame.length - 4)).toBe(0)
    expect(lz4FrameBoundBytes(frame)).toBeGreaterThanOrEqual(text.length)
    expect(decompressFrameSync(frame).equals(text)).toBe(true)
  })

  it('equal input gives equal output, whatever was compressed before', () => {
    const before = encodeLz4Frame(text)
    encodeLz4Frame(Buffer.from(text).reverse())
    expect(encodeLz4Frame(text)).toEqual(before)
  })
})

function sized(data: Buffer, contentBytes: number): Buffer {
  const plain = encodeLz4Frame(data)
  const header = Buffer.alloc(15)
  plain.copy(header, 0, 0, 6)
  header[4]! |= 0x08
  header.writeBigUInt64LE(BigInt(contentBytes), 6)
  header[14] = (xxhash32(header, 4, 14) >>> 8) & 0xff
  return Buffer.concat([header, plain.subarray(7)])
}

function framed(blocks: Buffer[], options: { linked: boolean; stored: boolean[] }): Buffer {
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, options.linked ? 0x40 : 0x60, 0x40, 0])
  header[6] = (xxhash32(header, 4, 6) >>> 8) & 0xff
  const parts = blocks.flatMap((block, i) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE((block.length | (options.stored[i] ? 0x80000000 : 0)) >>> 0)
    return [length, block]
  })
  return Buffer.concat([header, ...parts, Buffer.alloc(4)])
}
