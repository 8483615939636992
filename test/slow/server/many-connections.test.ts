import { describe, expect, it } from 'vitest'
import { SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import { echoRequest, startEchoServer } from '../../server/echo-server.ts'

const CONNECTIONS = 1000
const ROUNDS = 5

describe('a thousand connections', () => {
  it('are served side by side, and all closed in the end', async () => {
    const running = await startEchoServer()
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => running.connect()))
    await Promise.all(
      clients.map(async (client, index) => {
        const texts = Array.from({ length: ROUNDS }, (_, round) => `${index}/${round}`)
        const answers = await Promise.all(texts.map((text) => client.send(SyncGroup, 5, echoRequest(text))))
        expect(answers.map(({ assignment }) => assignment.toString())).toEqual(texts)
      }),
    )
    expect(running.server.connectionCount).toBe(CONNECTIONS)
    await running.server.close()
    expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual(new Array(CONNECTIONS).fill(null))
    expect(running.server.memory.usedBytes).toBe(0)
    expect(running.log.warnings).toEqual([])
  })
})
