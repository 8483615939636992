import { sourceOf } from '../protocol/codec/codec.ts'
import { apis } from '../protocol/messages/all.ts'

/** `npm run codec -- Produce 13 [request|response]`: the JavaScript that a message is compiled to. */
function main([name, versionText, side]: string[]): number {
  const api = apis.find((candidate) => candidate.name.toLowerCase() === name?.toLowerCase())
  const version = Number(versionText)
  const known = api !== undefined && version >= api.versions.min && version <= api.versions.max
  if (!known || !Number.isInteger(version) || !['request', 'response', undefined].includes(side)) {
    console.error('usage: npm run codec -- <API> <version> [request|response]')
    if (api) console.error(`${api.name} has the versions ${api.versions.min} to ${api.versions.max}`)
    else console.error(`APIs: ${apis.map((candidate) => candidate.name).join(' ')}`)
    return 1
  }
  if (side !== 'response') console.log(sourceOf(api.request, version))
  if (side !== 'request') console.log(sourceOf(api.response, version))
  return 0
}

process.exitCode = main(process.argv.slice(2))
