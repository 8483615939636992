import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import type { RequestFault, RequestSubject } from '../../src/broker/request-fault-spec.ts'
import { RequestFaults } from '../../src/broker/request-faults.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'

const apis = [
  { key: 0, name: 'Produce' },
  { key: 1, name: 'Fetch' },
  { key: 12, name: 'Heartbeat' },
]
const makeFaults = () => new RequestFaults({ clock: new SimulatedClock(), random: 1, apis })
const plain: RequestSubject = {
  apiKey: 0,
  clientId: 'app-1',
  connectionId: 4,
  brokerId: 2,
  topics: ['orders', 'payments'],
  groupIds: [],
}

describe('faults of requests', () => {
  it.each<[RequestFault, string]>([
    [{ kind: 'error', errorCode: 6 }, 'any request: nothing is done, answered with NOT_LEADER_OR_FOLLOWER'],
    [{ kind: 'delay', delayMs: 200, api: 'produce', times: 3 }, 'Produce: done 200 ms later, 3 times'],
    [
      { kind: 'disconnect', api: [0, 'Fetch'], topic: 'orders-*', clientId: /^app/, brokerId: 2 },
      'Produce or Fetch for topic orders-* from client /^app/ at broker 2: nothing is done, the connection ends',
    ],
    [
      { kind: 'lose-answer', groupId: 'g', connectionId: 7 },
      'any request for group g on connection 7: done, and the connection ends in place of the answer',
    ],
    [{ kind: 'lose-answer', silent: true }, 'any request: done and never answered'],
    [
      { kind: 'black-hole', probability: 0.5 },
      'any request: nothing is done, and never answered, with probability 0.5',
    ],
  ])('%j is described as %s', (fault, description) => {
    const rule = makeFaults().add(fault)
    expect(rule).toMatchObject({ kind: fault.kind, description, fired: 0, matched: 0, state: 'active' })
  })

  it.each<[object, string]>([
    [{}, 'kind: it is missing; the kinds are error, delay, disconnect, lose-answer, black-hole'],
    [{ kind: 'explode' }, 'kind: explode is none of error, delay, disconnect, lose-answer, black-hole'],
    [{ kind: 'error' }, 'errorCode: an error needs one; give a name of Kafka such as NOT_LEADER_OR_FOLLOWER'],
    [{ kind: 'error', errorCode: 'NOPE' }, 'errorCode: NOPE is not an error of Kafka'],
    [{ kind: 'error', errorCode: 'NONE' }, 'errorCode: NONE is not an error of Kafka'],
    [{ kind: 'error', errorCode: 0 }, 'errorCode: 0 is not an error of Kafka'],
    [{ kind: 'error', errorCode: 'toString' }, 'errorCode: toString is not an error of Kafka'],
    [{ kind: 'delay' }, 'delayMs: a delay needs the milliseconds'],
    [{ kind: 'delay', delayMs: 3_600_001 }, 'delayMs: 3600001 is not an integer from 1 to 3600000'],
    [
      { kind: 'disconnect', delayMs: 1 },
      'delayMs: a fault of kind disconnect has no such field; it may have kind, api,',
    ],
    [{ kind: 'lose-answer', silent: 'yes' }, 'silent: yes is neither true nor false'],
    [
      { kind: 'disconnect', api: 'Vote' },
      'api: Vote is not served here; by name or key there are Produce (0), Fetch (1)',
    ],
    [{ kind: 'disconnect', api: [] }, 'api: an empty list names nothing'],
    [{ kind: 'disconnect', topic: 7 }, 'topic: 7 is neither a text of up to 1000 characters nor a RegExp'],
    [{ kind: 'disconnect', connectionId: 0 }, 'connectionId: 0 is not an integer from 1'],
    [{ kind: 'disconnect', brokerId: -1 }, 'brokerId: -1 is not an integer from 0 to 2147483647'],
  ])('%j is refused: %s', (fault, message) => {
    const faults = makeFaults()
    expect(() => faults.addUnchecked(fault)).toThrow(message)
    expect([faults.active, faults.list()]).toEqual([false, []])
  })

  it.each<[Partial<RequestFault>, boolean]>([
    [{}, true],
    [{ api: 0 }, true],
    [{ api: 'Fetch' }, false],
    [{ topic: 'payments' }, true],
    [{ topic: 'pay' }, false],
    [{ topic: /pay/ }, true],
    [{ topic: 'orders', clientId: 'app-*' }, true],
    [{ topic: 'orders', clientId: 'job-*' }, false],
    [{ groupId: '*' }, false],
    [{ connectionId: 4, brokerId: 2 }, true],
    [{ connectionId: 5 }, false],
    [{ brokerId: 1 }, false],
  ])('%j fits: %s', (matcher, expected) => {
    const faults = makeFaults()
    const { id } = faults.add({ kind: 'disconnect', ...matcher })
    expect(faults.take(plain).effect).toEqual(expected ? { kind: 'disconnect' } : null)
    expect(faults.fired(id)).toBe(expected ? 1 : 0)
  })

  it('delays add up, and the first other rule is the only one', () => {
    const faults = makeFaults()
    faults.add({ kind: 'delay', delayMs: 10 })
    faults.add({ kind: 'error', errorCode: 'KAFKA_STORAGE_ERROR', times: 1 })
    const last = faults.add({ kind: 'black-hole' })
    faults.add({ kind: 'delay', delayMs: 5 })
    const error = { kind: 'error', errorCode: ErrorCode.KAFKA_STORAGE_ERROR, topic: null }
    expect(faults.take(plain)).toEqual({ delayMs: 10, effect: error })
    expect(faults.take(plain)).toEqual({ delayMs: 10, effect: { kind: 'black-hole' } })
    expect(faults.remove(last.id)).toMatchObject({ fired: 1 })
    expect(faults.take(plain)).toEqual({ delayMs: 15, effect: null })
  })
})
