import type { Api } from '../../protocol/codec/schema.ts'
import { apiByKey } from '../../protocol/messages/all.ts'

/** The APIs that every broker under test has, by key. */
const KEYS = [
  0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 32, 33, 35, 37, 42, 43, 44,
  46, 47, 60, 61, 65, 66, 74, 75,
]

export const spineApis: readonly Api[] = KEYS.map((key) => {
  const api = apiByKey(key)
  if (api === undefined) throw new Error(`there is no API ${key}`)
  return api
})

/** As advertised: Produce from 0, although its versions 0 to 2 close the connection. */
export const spineRanges = spineApis.map(({ key, versions, latestVersionUnstable }) => ({
  apiKey: key,
  minVersion: key === 0 ? 0 : versions.min,
  maxVersion: latestVersionUnstable ? versions.max - 1 : versions.max,
}))
