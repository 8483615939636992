import { afterEach, describe, expect, it } from 'vitest'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { type EchoServer, echoRequest, startEchoServer } from './echo-server.ts'

let running: EchoServer | null = null
afterEach(async () => {
  await running?.close()
  running = null
})

describe('server', () => {
  it('answers a request', async () => {
    running = await startEchoServer()
    const client = await running.connect()
    const versions = await client.send(ApiVersions, 4, { clientSoftwareName: 'a', clientSoftwareVersion: '1' })
    expect(versions.apiKeys.map(({ apiKey }) => apiKey)).toEqual([14, 18])
    const answer = await client.send(SyncGroup, 5, echoRequest('hello'))
    expect(answer.assignment.toString()).toBe('hello')
  })
})
