import { randomBytes } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressSync as snappyBlock } from 'snappy'
import { describe, expect, it } from 'vitest'
import { CompressionCodec, CompressionError, compress, decompress } from '../../../protocol/records/compression.ts'
import { nodeWork } from '../../../src/io/node-work.ts'
import { simulatedWork } from '../../../src/io/simulated-work.ts'

const LIMIT_BYTES = 8 * 1024 * 1024
const XERIAL_HEADER_BYTES = 16
const { GZIP, SNAPPY, LZ4, ZSTD } = CompressionCodec
const codecs = { gzip: GZIP, snappy: SNAPPY, lz4: LZ4, zstd: ZSTD }
const text = Buffer.from('a line that comes again and again, like the fields of an event\n'.repeat(30))

const works = {
  'at once': simulatedWork(),
  'in the pool': nodeWork(),
}

for (const [place, work] of Object.entries(works)) {
  describe.each(Object.entries(codecs))(`${place}: %s`, (_name, codec) => {
    it.each([
      ['one byte', Buffer.from('x')],
      ['text', text],
      ['70 KiB of noise', randomBytes(70 * 1024)],
      ['exactly 64 KiB', Buffer.alloc(64 * 1024, 'ab')],
      ['1 MiB of JSON and noise', mixed(1024 * 1024)],
      ['3 MiB of zeros', Buffer.alloc(3 * 1024 * 1024)],
    ])('%s comes back', async (_what, data) => {
      const compressed = await work.compress(codec, data, null)
      expect(compressed.length).toBeLessThan(data.length * 1.01 + 64)
      expect((await work.decompress(codec, compressed, data.length)).equals(data)).toBe(true)
    })

    it('the other place reads it', async () => {
      const data = mixed(300 * 1024)
      const compressed = await work.compress(codec, data, null)
      expect(decompress(codec, compressed, LIMIT_BYTES).equals(data)).toBe(true)
      const other = await work.decompress(codec, compress(codec, data, null), LIMIT_BYTES)
      expect(other.equals(data)).toBe(true)
    })

    it('one byte over the limit is refused', async () => {
      for (const data of [text, mixed(500 * 1024)]) {
        const compressed = await work.compress(codec, data, null)
        await expect(work.decompress(codec, compressed, data.length - 1)).rejects.toMatchObject({ kind: 'too-large' })
      }
    })

    it('a bomb is refused without the memory it asks for', async () => {
      const bomb = compress(codec, Buffer.alloc(96 * 1024 * 1024), null)
      const before = process.memoryUsage().rss
      await expect(work.decompress(codec, bomb, 1024 * 1024)).rejects.toMatchObject({ kind: 'too-large' })
      expect(process.memoryUsage().rss - before).toBeLessThan(48 * 1024 * 1024)
    })

    it('a stream cut off anywhere is refused', async () => {
      const small = compress(codec, text, null)
      for (let end = 1; end < small.length; end++) {
        if (codec === SNAPPY && end === XERIAL_HEADER_BYTES) continue // A whole stream of no blocks: it has no end mark.
        await expect(work.decompress(codec, small.subarray(0, end), LIMIT_BYTES), `cut at ${end}`).rejects.toThrow(
          CompressionError,
        )
      }
      const large = compress(codec, mixed(300 * 1024), null)
      for (const end of [20_000, large.length >> 1, large.length - 5, large.length - 1]) {
        await expect(work.decompress(codec, large.subarray(0, end), LIMIT_BYTES), `cut at ${end}`).rejects.toThrow(
          CompressionError,
        )
      }
    })

    it('damage gives a CompressionError or other bytes, nothing else', async () => {
      for (const size of [2000, 60_000]) {
        const compressed = compress(codec, mixed(size), null)
        for (let i = 0; i < 200; i++) {
          const damaged = Buffer.from(compressed)
          const at = (i * 7919) % damaged.length
          damaged[at] = damaged[at]! ^ (1 + ((i * 31) % 255))
          const result = await work.decompress(codec, damaged, LIMIT_BYTES).catch((error: unknown) => error)
          expect(Buffer.isBuffer(result) || result instanceof CompressionError, `byte ${at}: ${result}`).toBe(true)
        }
      }
    })

    it('no bytes stay no bytes: compaction empties batches and keeps their codec', async () => {
      expect((await work.decompress(codec, Buffer.alloc(0), 10)).length).toBe(0)
    })

    it('garbage is refused', async () => {
      const garbage = Buffer.alloc(40_000, 'garbage')
      await expect(work.decompress(codec, garbage, LIMIT_BYTES)).rejects.toMatchObject({ kind: 'corrupt' })
    })
  })

  it(`${place}: codecs 5 to 7 do not exist`, async () => {
    for (const codec of [5, 6, 7, -1]) {
      await expect(work.compress(codec, text, null)).rejects.toMatchObject({ kind: 'unsupported' })
      await expect(work.decompress(codec, text, LIMIT_BYTES)).rejects.toMatchObject({ kind: 'unsupported' })
    }
  })
}

describe('gzip', () => {
  it('several members are one stream', () => {
    const members = Buffer.concat([gzipSync(text), gzipSync(text)])
    expect(decompress(GZIP, members, LIMIT_BYTES)).toEqual(Buffer.concat([text, text]))
    expect(() => decompress(GZIP, members, text.length * 2 - 1)).toThrow('limit')
  })

  it('levels count', () => {
    const data = mixed(200 * 1024)
    expect(compress(GZIP, data, 9).length).toBeLessThan(compress(GZIP, data, 1).length)
  })
})

describe('zstd', () => {
  const frame = zstdCompressSync(text)
  const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('abc')])

  it('several frames are one stream, although node:zlib stops after the first', () => {
    expect(decompress(ZSTD, Buffer.concat([frame, frame, frame]), LIMIT_BYTES)).toEqual(
      Buffer.concat([text, text, text]),
    )
  })

  it('the limit counts over all frames', async () => {
    const frames = Buffer.concat([frame, frame])
    expect(() => decompress(ZSTD, frames, text.length * 2 - 1)).toThrow('limit')
    expect(() => decompress(ZSTD, frames, text.length)).toThrow('limit')
    expect(decompress(ZSTD, frames, text.length * 2).length).toBe(text.length * 2)
  })

  it('skippable frames are skipped', () => {
    expect(decompress(ZSTD, Buffer.concat([skippable, frame, skippable]), LIMIT_BYTES)).toEqual(text)
    expect(() => decompress(ZSTD, Buffer.concat([frame, skippable.subarray(0, -1)]), LIMIT_BYTES)).toThrow('cut off')
  })

  it('bytes after the last frame are refused', () => {
    expect(() => decompress(ZSTD, Buffer.concat([frame, Buffer.from('12345678')]), LIMIT_BYTES)).toThrow('magic number')
    expect(() => decompress(ZSTD, Buffer.concat([frame, Buffer.from('x')]), LIMIT_BYTES)).toThrow(CompressionError)
  })

  it('a batch of thousands of tiny frames is refused', () => {
    const tiny = zstdCompressSync(Buffer.from('x'))
    const frames = Buffer.concat(Array.from({ length: 1025 }, () => tiny))
    expect(decompress(ZSTD, frames.subarray(tiny.length), LIMIT_BYTES).toString()).toBe('x'.repeat(1024))
    expect(() => decompress(ZSTD, frames, LIMIT_BYTES)).toThrow('more than 1024')
  })

  it('levels count', () => {
    const data = mixed(200 * 1024)
    expect(compress(ZSTD, data, 19).length).toBeLessThan(compress(ZSTD, data, -5).length)
  })
})

describe('snappy', () => {
  const xerial = compress(SNAPPY, text, null)

  it('trap 40: the framing of snappy-java is written', () => {
    expect(xerial.subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001')
    expect(xerial.readInt32BE(16)).toBe(xerial.length - 20)
  })

  it('trap 40: a bare block, as sarama and kafka-go wrote it, is read', () => {
    expect(decompress(SNAPPY, snappyBlock(text), LIMIT_BYTES)).toEqual(text)
  })

  it('thousands of tiny blocks are read, also in the pool', async () => {
    const block = snappyBlock(Buffer.from('tiny'))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    const stream = Buffer.concat([
      xerial.subarray(0, 16),
      ...Array.from({ length: 5000 }, () => [length, block]).flat(),
    ])
    for (const work of Object.values(works)) {
      expect((await work.decompress(SNAPPY, stream, LIMIT_BYTES)).toString()).toBe('tiny'.repeat(5000))
    }
  })

  it('other version numbers in the header are read', () => {
    const versions = Buffer.from(xerial)
    versions.writeInt32BE(7, 8)
    expect(decompress(SNAPPY, versions, LIMIT_BYTES)).toEqual(text)
  })

  it('concatenated streams are one', () => {
    expect(decompress(SNAPPY, Buffer.concat([xerial, xerial]), LIMIT_BYTES)).toEqual(Buffer.concat([text, text]))
  })

  it('a block that announces what it cannot hold is refused unread', () => {
    const liar = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(100)])
    expect(() => decompress(SNAPPY, liar, 2 ** 31)).toThrow('a snappy block of 104 bytes announces 268435455')
    const tooLong = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Buffer.alloc(100)])
    expect(() => decompress(SNAPPY, tooLong, 2 ** 31)).toThrow('longer than five bytes')
  })

  it.each([0, -1, 0x7fffffff])('a block length of %d is refused', (length) => {
    const framed = Buffer.from(xerial)
    framed.writeInt32BE(length, 16)
    expect(() => decompress(SNAPPY, framed, LIMIT_BYTES)).toThrow(`a snappy block of ${length} bytes`)
  })
})

/** Half text, half noise, so that both stored and compressed blocks occur. */
function mixed(sizeBytes: number): Buffer {
  const data = Buffer.alloc(sizeBytes, '{"id":1234,"action":"view","user":"user-17"}\n')
  let seed = sizeBytes
  for (let at = sizeBytes >> 1; at < sizeBytes; at++) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
    data[at] = seed >>> 16
  }
  for (let at = 0; at < sizeBytes >> 1; at += 37) data[at] = 48 + (at % 71)
  return data
}
