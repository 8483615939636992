import { describe, expect, it } from 'vitest'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  newestVersion,
} from '../../protocol/codec/header.ts'
import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import { type Api, api, int8 } from '../../protocol/codec/schema.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { apiByKey, apis } from '../../protocol/messages/all.ts'

const decodeHex = (hex: string) => {
  const reader = new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  return { header: decodeRequestHeader(reader, apiByKey), remaining: reader.remaining }
}

describe('request header', () => {
  it('of every API and version is read back as it was written', () => {
    for (const each of apis) {
      for (let version = each.versions.min; version <= newestVersion(each); version++) {
        for (const clientId of [null, '', 'console-producer']) {
          const writer = new Writer()
          encodeRequestHeader(writer, each, version, -version - 5, clientId)
          const reader = new Reader(writer.bytes())
          const header = decodeRequestHeader(reader, apiByKey)
          expect(header).toEqual({ api: each, version, correlationId: -version - 5, clientId, supported: true })
          expect(reader.remaining).toBe(0)
        }
      }
    }
  })

  it('keeps the two-byte client id in flexible versions and skips unknown tags', () => {
    const { header, remaining } = decodeHex('0012 0003 00000007 0002 6162 02 00 01 ff 05 00 aabb')
    expect(header).toMatchObject({ version: 3, correlationId: 7, clientId: 'ab', supported: true })
    expect(remaining).toBe(2)
  })

  it('of an ApiVersions newer than ours is read as far as it is known', () => {
    for (const hex of ['0012 0063 00000009', '0012 0005 00000009 ffff 8080808080', '0012 7fff 00000009 7fff']) {
      expect(decodeHex(hex).header).toMatchObject({ api: ApiVersions, correlationId: 9, supported: false })
    }
  })

  it('of an unknown API, another version or too few bytes is a ProtocolError', () => {
    const refused = ['00c8 0000 00000001 ffff', '0000 0002 00000001 ffff', '0001 0063 00000001 ffff']
    for (const hex of [...refused, '0012 ffff 00000001 ffff', 'ffff 0000 00000001 ffff', '0003 000c 0000', '']) {
      expect(() => decodeHex(hex), hex).toThrow(ProtocolError)
    }
  })

  it('accepts no version that may still change', () => {
    const Draft = api({
      key: 900,
      name: 'Draft',
      versions: '0-2',
      flexible: '0+',
      latestVersionUnstable: true,
      request: { x: int8() },
      response: {},
    })
    const read = (version: number) => {
      const writer = new Writer()
      encodeRequestHeader(writer, Draft as Api, version, 1, null)
      return decodeRequestHeader(new Reader(writer.bytes()), () => Draft as Api)
    }
    expect(read(1).version).toBe(1)
    expect(() => read(2)).toThrow(ProtocolError)
  })
})

describe('response header', () => {
  it('has a tagged section when the version is flexible, and never for ApiVersions', () => {
    for (const each of apis) {
      for (let version = each.versions.min; version <= each.versions.max; version++) {
        const writer = new Writer()
        encodeResponseHeader(writer, each, version, 1234)
        const flexible = each.flexible !== null && version >= each.flexible.min && each.key !== 18
        expect(writer.size, `${each.name} v${version}`).toBe(flexible ? 5 : 4)
        const reader = new Reader(writer.bytes())
        expect([decodeResponseHeader(reader, each, version), reader.remaining]).toEqual([1234, 0])
      }
    }
  })
})
