import { describe, expect, it } from 'vitest'
import type { Socket } from '../../src/io/transport.ts'
import { ReplyQueue } from '../../src/server/reply-queue.ts'

/** A queue on a socket that notes its writes and finishes them when told to. */
function queueOnPaper() {
  const writes: Buffer[][] = []
  const unfinished: (() => void)[] = []
  const events: string[] = []
  const socket: Socket = {
    remoteAddress: '',
    remotePort: 0,
    localAddress: '',
    open: () => {},
    pause: () => {},
    resume: () => {},
    end: () => {},
    destroy: () => {},
    write: (chunks, onWritten) => {
      writes.push([...chunks])
      unfinished.push(onWritten)
    },
  }
  const queue = new ReplyQueue(socket, {
    onLastReply: () => events.push('last'),
    onWritten: () => events.push('written'),
  })
  const text = () => writes.map((chunks) => Buffer.concat(chunks).toString())
  return { queue, writes, unfinished, events, text }
}

describe('ReplyQueue', () => {
  it('trap 11: replies leave in the order of the requests', () => {
    const { queue, text } = queueOnPaper()
    const [a, b, c] = [queue.add(), queue.add(), queue.add()]
    queue.reply(c, (writer) => writer.copy(Buffer.from('c')), null)
    queue.flush()
    queue.reply(a, (writer) => writer.copy(Buffer.from('a')), null)
    queue.flush()
    queue.reply(b, (writer) => writer.copy(Buffer.from('b')), null)
    queue.flush()
    expect(text()).toEqual(['a', 'bc'])
    expect(queue.isEmpty).toBe(true)
  })

  it('joins what is ready in one write, and attaches large chunks uncopied', () => {
    const { queue, writes } = queueOnPaper()
    const large = Buffer.alloc(5000, 7)
    for (let reply = 0; reply < 3; reply++) {
      queue.reply(
        queue.add(),
        (writer) => {
          writer.copy(Buffer.from('head'))
          writer.attach(large)
        },
        null,
      )
    }
    queue.flush()
    expect(writes).toHaveLength(1)
    expect(writes[0]!.filter((chunk) => chunk === large)).toHaveLength(3)
  })

  it('a skipped reply sends nothing and holds nobody up', () => {
    const { queue, text } = queueOnPaper()
    const [a, b] = [queue.add(), queue.add()]
    queue.reply(b, (writer) => writer.copy(Buffer.from('b')), null)
    queue.skip(a)
    queue.flush()
    expect(text()).toEqual(['b'])
  })

  it('ends after the replies before it', () => {
    const { queue, text, events } = queueOnPaper()
    const [a, b] = [queue.add(), queue.add()]
    queue.endAt(b)
    expect(events).toEqual([])
    queue.reply(a, (writer) => writer.copy(Buffer.from('a')), null)
    expect(text()).toEqual(['a'])
    expect(events).toEqual(['last'])
  })

  it('an encoder that fails half-way leaves no bytes, in turn or out of it', () => {
    const { queue, text } = queueOnPaper()
    const [a, b, c] = [queue.add(), queue.add(), queue.add()]
    const broken = () =>
      queue.reply(
        b,
        (writer) => {
          writer.copy(Buffer.alloc(3000, 'x'))
          writer.attach(Buffer.alloc(3000, 'y'))
          throw new Error('no such field')
        },
        null,
      )
    expect(broken).toThrow('no such field')
    queue.reply(a, (writer) => writer.copy(Buffer.from('a')), null)
    expect(broken).toThrow('no such field')
    queue.reply(b, (writer) => writer.copy(Buffer.from('b')), null)
    queue.reply(c, (writer) => writer.copy(Buffer.from('c')), null)
    queue.flush()
    expect(text()).toEqual(['abc'])
  })

  it('releases what a reply pinned once it is written', () => {
    const { queue, unfinished, events } = queueOnPaper()
    const released: string[] = []
    const [a, b] = [queue.add(), queue.add()]
    queue.reply(
      b,
      (writer) => writer.copy(Buffer.from('b')),
      () => released.push('b'),
    )
    queue.reply(
      a,
      (writer) => writer.copy(Buffer.from('a')),
      () => released.push('a'),
    )
    queue.flush()
    expect(released).toEqual([])
    expect(queue.pendingBytes).toBe(2)
    unfinished[0]!()
    expect(released).toEqual(['a', 'b'])
    expect(queue.pendingBytes).toBe(0)
    expect(events).toEqual(['written'])
  })

  it('releases what is given up, wherever it was, once each', () => {
    const { queue, unfinished } = queueOnPaper()
    const released: string[] = []
    const encode = (writer: { copy(bytes: Buffer): void }) => writer.copy(Buffer.from('r'))
    const [written, flushable, late, blocked] = [queue.add(), queue.add(), queue.add(), queue.add()]
    queue.reply(written, encode, () => released.push('written'))
    queue.flush()
    queue.reply(flushable, encode, () => released.push('flushable'))
    queue.reply(blocked, encode, () => released.push('blocked'))
    queue.close()
    expect(released).toEqual(['flushable', 'blocked'])
    queue.reply(late, encode, () => released.push('late'))
    unfinished[0]!()
    queue.close()
    expect(released).toEqual(['flushable', 'blocked', 'late', 'written'])
  })

  it('counts replies that wait for an earlier one', () => {
    const { queue } = queueOnPaper()
    const [, b] = [queue.add(), queue.add()]
    queue.reply(b, (writer) => writer.attach(Buffer.alloc(9000)), null)
    expect(queue.pendingBytes).toBe(9000)
  })

  it('sends at once when a great deal is ready', () => {
    const { queue, writes } = queueOnPaper()
    for (let reply = 0; reply < 10; reply++) {
      queue.reply(queue.add(), (writer) => writer.attach(Buffer.alloc(100_000)), null)
    }
    expect(writes.length).toBeGreaterThan(2)
  })
})
