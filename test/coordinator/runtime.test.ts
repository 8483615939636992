import pino from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { Effects } from '../../src/coordinator/effects.ts'
import { CoordinatorRuntime } from '../../src/coordinator/runtime.ts'
import type { Outcome, RecordCodec, ShardEvent, ShardMachine } from '../../src/coordinator/shard-machine.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { FakeCoordinatorLog, isPending, settled } from './fake-coordinator-log.ts'

type Request =
  | { readonly do: 'add'; readonly value: string }
  | { readonly do: 'get' | 'park' | 'wake' | 'crash' | 'later' }
type Response = readonly string[] | { readonly error: ErrorCode }

const codec: RecordCodec<string> = {
  encode: (value) => ({ key: Buffer.from(value), value: null }),
  decode: (key) => (key[0] === 0 ? null : key.toString()),
}

/** A list of words: enough to see what the runtime does with any machine. */
class WordMachine implements ShardMachine<Request, Response, string, string, string> {
  readonly #words: string[] = []
  readonly #parked: number[] = []

  handle(event: ShardEvent<Request, string>): Outcome<Response, string, string, string> {
    const effects = new Effects<Response, string, string, string>()
    if (event.kind === 'timer') effects.write(event.timer)
    if (event.kind === 'request') this.#request(effects, event.token, event.request)
    return effects
  }

  #request(effects: Effects<Response, string, string, string>, token: number, request: Request): void {
    if (request.do === 'crash') throw new Error('a bug in the machine')
    if (request.do === 'park') {
      this.#parked.push(token)
      return
    }
    if (request.do === 'later') effects.schedule('timer', 1000, 'from the timer')
    if (request.do === 'add') effects.write(request.value)
    effects.note(request.do)
    if (request.do === 'wake') for (const parked of this.#parked.splice(0)) effects.reply(parked, this.#seen())
    effects.reply(token, request.do === 'add' ? [...this.#words, request.value] : this.#seen())
  }

  #seen(): string[] {
    return [...this.#words]
  }

  replay(record: string): void {
    this.#words.push(record)
  }

  refuse(_request: Request, error: ErrorCode): Response {
    return { error }
  }
}

let clock: SimulatedClock
let log: FakeCoordinatorLog
let owner: boolean
let fence: number
let notes: string[]
let onNotes: (notes: readonly string[]) => void
beforeEach(() => {
  notes = []
  onNotes = (more) => notes.push(...more)
  clock = new SimulatedClock()
  log = new FakeCoordinatorLog(2)
  owner = true
  fence = 7
})

function create(): CoordinatorRuntime<Request, Response, string, string, string> {
  return new CoordinatorRuntime({
    kind: 'word',
    createMachine: () => new WordMachine(),
    codec,
    log,
    ownership: { isOwner: () => owner, fence: () => fence },
    clock,
    logger: pino({ level: 'silent' }),
    onNotes: (more) => onNotes(more),
  })
}

async function started() {
  const runtime = create()
  await runtime.start()
  return runtime
}

describe('what observers are told', () => {
  it('is told when it is durable, in order, and before the answer', async () => {
    const runtime = await started()
    const add = runtime.call(0, { do: 'add', value: 'a' }).then(() => notes.push('answered'))
    const get = runtime.call(0, { do: 'get' })
    expect(await isPending(get)).toBe(true)
    expect(notes).toEqual([])
    await log.end()
    await Promise.all([add, get])
    expect(notes).toEqual(['add', 'get', 'answered'])
  })

  it('what rests on a lost append is never told', async () => {
    const runtime = await started()
    const add = runtime.call(0, { do: 'add', value: 'a' })
    const get = runtime.call(0, { do: 'get' })
    await log.end(ErrorCode.KAFKA_STORAGE_ERROR)
    await Promise.all([add, get])
    expect(notes).toEqual([])
  })

  it('an observer that fails harms nobody', async () => {
    const runtime = await started()
    onNotes = () => {
      throw new Error('an observer without manners')
    }
    expect(await runtime.call(0, { do: 'get' })).toEqual([])
    expect(await runtime.call(0, { do: 'get' })).toEqual([])
  })
})

describe('what an answer waits for', () => {
  it('a request that changes something is answered when that is durable, not before', async () => {
    const runtime = await started()
    const add = runtime.call(0, { do: 'add', value: 'a' })
    expect(await isPending(add)).toBe(true)
    await log.end()
    expect(await add).toEqual(['a'])
    expect(log.fences).toEqual([7])
  })

  it('a read waits for what it saw', async () => {
    const runtime = await started()
    const add = runtime.call(0, { do: 'add', value: 'a' })
    const get = runtime.call(0, { do: 'get' })
    expect(await isPending(get)).toBe(true)
    await log.end()
    expect(await get).toEqual(['a'])
    expect(await add).toEqual(['a'])
  })

  it('a read of a shard without writes under way does not wait, nor for those of another shard', async () => {
    const runtime = await started()
    const add = runtime.call(1, { do: 'add', value: 'a' })
    expect(await runtime.call(0, { do: 'get' })).toEqual([])
    expect(await isPending(add)).toBe(true)
  })

  it('an answer waits for every write before its own, whatever order they end in', async () => {
    const runtime = await started()
    const first = runtime.call(0, { do: 'add', value: 'a' })
    const second = runtime.call(0, { do: 'add', value: 'b' })
    const [older, newer] = log.appending.splice(0)
    newer!.end(ErrorCode.NONE)
    expect(await isPending(second)).toBe(true)
    older!.end(ErrorCode.NONE)
    expect(await Promise.all([first, second])).toEqual([['a'], ['a', 'b']])
  })

  it('an event that is decided meanwhile sees what is not durable yet', async () => {
    const runtime = await started()
    runtime.call(0, { do: 'add', value: 'a' })
    const second = runtime.call(0, { do: 'add', value: 'b' })
    await log.end()
    expect(await isPending(second)).toBe(true)
    await log.end()
    expect(await second).toEqual(['a', 'b'])
  })

  it('a parked request is answered by a later event, as durable as that', async () => {
    const runtime = await started()
    const parked = runtime.call(0, { do: 'park' })
    const add = runtime.call(0, { do: 'add', value: 'a' })
    const wake = runtime.call(0, { do: 'wake' })
    expect(await isPending(parked)).toBe(true)
    await log.end()
    expect(await Promise.all([parked, add, wake])).toEqual([['a'], ['a'], ['a']])
  })
})

describe('timers', () => {
  it('run on the clock given, and what they decide is written', async () => {
    const runtime = await started()
    await runtime.call(0, { do: 'later' })
    clock.advance(999)
    expect(log.appending).toHaveLength(0)
    clock.advance(1)
    expect(log.appending).toHaveLength(1)
  })

  it('scheduled again under the same key, the older one is gone', async () => {
    const runtime = await started()
    await runtime.call(0, { do: 'later' })
    clock.advance(500)
    await runtime.call(0, { do: 'later' })
    clock.advance(999)
    expect(log.appending).toHaveLength(0)
    clock.advance(1)
    expect(log.appending).toHaveLength(1)
  })
})

describe('when an append fails', () => {
  it.each([
    ['NOT_COORDINATOR', ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR],
    ['NOT_COORDINATOR', ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
    ['COORDINATOR_NOT_AVAILABLE', ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.COORDINATOR_NOT_AVAILABLE],
  ])('everybody who waits is told %s', async (_name, failure, error) => {
    const runtime = await started()
    const parked = runtime.call(0, { do: 'park' })
    const add = runtime.call(0, { do: 'add', value: 'a' })
    const get = runtime.call(0, { do: 'get' })
    await log.end(failure)
    expect(await Promise.all([parked, add, get])).toEqual([{ error }, { error }, { error }])
  })

  it('the shard is loaded again: what was never written is gone', async () => {
    const runtime = await started()
    runtime.call(0, { do: 'add', value: 'kept' })
    await log.end()
    runtime.call(0, { do: 'add', value: 'lost' })
    await log.end(ErrorCode.UNKNOWN_SERVER_ERROR)
    expect(await runtime.call(0, { do: 'get' })).toEqual({ error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS })
    clock.advance(1000)
    await settled()
    expect(await runtime.call(0, { do: 'get' })).toEqual(['kept'])
  })

  it('appends still under way are waited for, and what they leave in the log is read', async () => {
    const runtime = await started()
    runtime.call(0, { do: 'add', value: 'lost' })
    runtime.call(0, { do: 'add', value: 'behind' })
    await log.end(ErrorCode.UNKNOWN_SERVER_ERROR)
    clock.advance(1000)
    await settled()
    expect(await runtime.call(0, { do: 'get' })).toEqual({ error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS })
    await log.end()
    await settled()
    expect(await runtime.call(0, { do: 'get' })).toEqual(['behind'])
  })

  it('timers of the life that ended do not fire', async () => {
    const runtime = await started()
    await runtime.call(0, { do: 'later' })
    runtime.call(0, { do: 'add', value: 'a' })
    await log.end(ErrorCode.UNKNOWN_SERVER_ERROR)
    clock.advance(5000)
    await settled()
    clock.advance(5000)
    expect(log.appending).toHaveLength(0)
  })

  it('other shards go on', async () => {
    const runtime = await started()
    runtime.call(0, { do: 'add', value: 'a' })
    await log.end(ErrorCode.UNKNOWN_SERVER_ERROR)
    expect(await runtime.call(1, { do: 'get' })).toEqual([])
  })

  it('a log that cannot be read is tried again, ever more rarely', async () => {
    const runtime = await started()
    runtime.call(0, { do: 'add', value: 'a' })
    log.loading = Promise.reject(new Error('the disk is away'))
    log.loading.catch(() => {})
    await log.end(ErrorCode.KAFKA_STORAGE_ERROR)
    const before = log.loads
    for (let i = 0; i < 100; i++) {
      clock.advance(1000)
      await settled()
    }
    expect(log.loads - before).toBeGreaterThan(3)
    expect(log.loads - before).toBeLessThan(15)
    log.loading = Promise.resolve()
    clock.advance(60_000)
    await settled()
    expect(await runtime.call(0, { do: 'get' })).toEqual([])
  })
})

describe('a bug in a machine', () => {
  it('costs its shard a reload, and nobody is left without an answer', async () => {
    const runtime = await started()
    runtime.call(0, { do: 'add', value: 'kept' })
    await log.end()
    const parked = runtime.call(0, { do: 'park' })
    const crash = runtime.call(0, { do: 'crash' })
    const error = ErrorCode.COORDINATOR_NOT_AVAILABLE
    expect(await Promise.all([parked, crash])).toEqual([{ error }, { error }])
    clock.advance(1000)
    await settled()
    expect(await runtime.call(0, { do: 'get' })).toEqual(['kept'])
  })
})

describe('start and end', () => {
  it('a shard that is loading says so', async () => {
    let loaded = () => {}
    log.loading = new Promise((resolve) => (loaded = resolve))
    const runtime = create()
    const start = runtime.start()
    const loading = { error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS }
    expect(await runtime.call(0, { do: 'get' })).toEqual(loading)
    loaded()
    await start
    expect(await runtime.call(0, { do: 'get' })).toEqual([])
  })

  it('what was written is there after a restart, records of an unknown kind aside', async () => {
    log.isFast = true
    const before = await started()
    await before.call(0, { do: 'add', value: 'a' })
    await before.call(0, { do: 'add', value: '\0from the future' })
    await before.call(0, { do: 'add', value: 'b' })
    await before.close()
    const after = await started()
    expect(await after.call(0, { do: 'get' })).toEqual(['a', 'b'])
  })

  it('a shard of another broker is not loaded and answers NOT_COORDINATOR', async () => {
    owner = false
    const runtime = await started()
    expect(log.loads).toBe(0)
    expect(await runtime.call(0, { do: 'get' })).toEqual({ error: ErrorCode.NOT_COORDINATOR })
  })

  it('a log that cannot be read at the start is an error of the start', async () => {
    log.loading = Promise.reject(new Error('unreadable'))
    await expect(create().start()).rejects.toThrow('unreadable')
  })

  it('nothing is scheduled any more once it is closed, also when a shard was about to be loaded again', async () => {
    const runtime = create()
    await runtime.start()
    await runtime.call(0, { do: 'crash' })
    expect(clock.nextDueMs()).not.toBeNull()
    await runtime.close()
    expect(clock.nextDueMs()).toBeNull()
  })

  it('closing answers whoever waits, and ends behind the last append', async () => {
    const runtime = await started()
    const parked = runtime.call(0, { do: 'park' })
    const add = runtime.call(0, { do: 'add', value: 'a' })
    const closed = runtime.close()
    const error = ErrorCode.COORDINATOR_NOT_AVAILABLE
    expect(await Promise.all([parked, add])).toEqual([{ error }, { error }])
    expect(await isPending(closed)).toBe(true)
    await log.end()
    await closed
    expect(await runtime.call(0, { do: 'get' })).toEqual({ error })
    expect(clock.nextDueMs()).toBeNull()
  })
})

describe('shards that change hands', () => {
  /** Somebody else has it, or has had it: a new fence each time. */
  function moves(runtime: ReturnType<typeof create>, toUs: boolean): void {
    owner = toUs
    fence = toUs ? Math.abs(fence) + 1 : -Math.abs(fence)
    runtime.followOwnership()
  }
  const notOurs = { error: ErrorCode.NOT_COORDINATOR }
  const loading = { error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS }

  async function loaded(): Promise<void> {
    clock.advance(0)
    await settled()
  }

  it('a shard that is taken over is loaded, and says so meanwhile', async () => {
    log.isFast = true
    await (await started()).call(0, { do: 'add', value: 'of the owner before' })
    owner = false
    const runtime = await started()
    moves(runtime, true)
    expect(await runtime.call(0, { do: 'get' })).toEqual(loading)
    await loaded()
    expect(await runtime.call(0, { do: 'get' })).toEqual(['of the owner before'])
    await runtime.call(0, { do: 'add', value: 'ours' })
    expect(log.fences.at(-1)).toBe(8)
  })

  it('a shard that is lost sends everybody away, forgets, and lets no timer fire', async () => {
    const runtime = await started()
    await runtime.call(0, { do: 'later' })
    const parked = runtime.call(0, { do: 'park' })
    moves(runtime, false)
    expect(await parked).toEqual(notOurs)
    expect(await runtime.call(0, { do: 'get' })).toEqual(notOurs)
    clock.advance(10_000)
    await settled()
    expect(log.appending).toHaveLength(0)
  })

  it('lost in the middle of a write: nobody is told that it was done, and who has it next reads it', async () => {
    const runtime = await started()
    const add = runtime.call(0, { do: 'add', value: 'a' })
    const get = runtime.call(0, { do: 'get' })
    moves(runtime, false)
    expect(await Promise.all([add, get])).toEqual([notOurs, notOurs])
    await log.end()
    expect(notes).toEqual([])
    moves(runtime, true)
    await loaded()
    expect(await runtime.call(0, { do: 'get' })).toEqual(['a'])
  })

  it('back before the write has ended: what is loaded holds it', async () => {
    const runtime = await started()
    runtime.call(0, { do: 'add', value: 'a' })
    moves(runtime, false)
    moves(runtime, true)
    await loaded()
    expect(await runtime.call(0, { do: 'get' })).toEqual(loading)
    await log.end()
    expect(await runtime.call(0, { do: 'get' })).toEqual(['a'])
  })

  it('an append that was fenced away loses the shard nothing but its callers', async () => {
    const runtime = await started()
    const add = runtime.call(0, { do: 'add', value: 'a' })
    await log.end(ErrorCode.NOT_COORDINATOR)
    expect(await add).toEqual(notOurs)
    clock.advance(1000)
    await settled()
    expect(await runtime.call(0, { do: 'get' })).toEqual([])
  })

  it('lost while it is loaded: what was read is dropped', async () => {
    owner = false
    const runtime = await started()
    let read = () => {}
    log.loading = new Promise((resolve) => (read = resolve))
    moves(runtime, true)
    await loaded()
    moves(runtime, false)
    read()
    await settled()
    expect(await runtime.call(0, { do: 'get' })).toEqual(notOurs)
    expect(clock.nextDueMs()).toBeNull()
  })

  it('lost while it is loaded from a log that cannot be read: nobody tries again', async () => {
    owner = false
    const runtime = await started()
    let fail = () => {}
    log.loading = new Promise((_, reject) => (fail = () => reject(new Error('the disk is away'))))
    moves(runtime, true)
    await loaded()
    moves(runtime, false)
    fail()
    await settled()
    expect(clock.nextDueMs()).toBeNull()
  })

  it('taken over twice in a row: only the second load counts', async () => {
    owner = false
    const runtime = await started()
    let readFirst = () => {}
    log.loading = new Promise((resolve) => (readFirst = resolve))
    moves(runtime, true)
    await loaded()
    log.loading = Promise.resolve()
    moves(runtime, true)
    await loaded()
    expect(await runtime.call(0, { do: 'get' })).toEqual([])
    const add = runtime.call(0, { do: 'add', value: 'after the second' })
    readFirst()
    await log.end()
    expect(await add).toEqual(['after the second'])
    expect(log.fences).toEqual([9])
  })

  it('a shard that is ours all along is left alone', async () => {
    const runtime = await started()
    const parked = runtime.call(0, { do: 'park' })
    runtime.followOwnership()
    expect(await isPending(parked)).toBe(true)
    expect(log.loads).toBe(2)
  })

  it('all logs are others now: a shard that is lost before that is read stays lost', async () => {
    const runtime = await started()
    runtime.call(0, { do: 'add', value: 'a' })
    const reloaded = runtime.reload()
    moves(runtime, false)
    await log.end()
    await reloaded
    expect(log.loads).toBe(2)
    expect(await runtime.call(0, { do: 'get' })).toEqual(notOurs)
  })
})
