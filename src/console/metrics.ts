import { Counter, Gauge, Registry } from 'prom-client'
import type { BudgetStatus, DiskBudget } from '../broker/disk-budget.ts'
import type { DiskBudgetState } from '../broker/disk-gauge.ts'

/** What of the disk budget is measured. */
export type MeasuredBudget = Pick<
  DiskBudget,
  'state' | 'usedBytes' | 'limitBytes' | 'lowBytes' | 'topics' | 'rejectedRequests' | 'deletedSegments' | 'deletedBytes'
>

const STATES: readonly DiskBudgetState[] = ['open', 'deleting', 'rejecting']

/** What Prometheus gets: read from the broker when it asks, and kept nowhere in between. */
export class Metrics {
  readonly #registry = new Registry()

  /** The budget is asked for each time: a broker that is restarted in its process has another. */
  constructor(diskBudget: () => MeasuredBudget) {
    this.#gauge('odradek_disk_budget_used_bytes', 'What the disk budget counts.', (gauge) => {
      gauge.set(diskBudget().usedBytes)
      for (const { topic, usedBytes } of diskBudget().topics) gauge.set(labelsOf(topic), usedBytes)
    })
    this.#gauge('odradek_disk_budget_high_bytes', 'Where the disk budget begins to act.', (gauge) => {
      setUnlessNull(gauge, diskBudget().limitBytes)
      for (const { topic, highBytes } of diskBudget().topics) gauge.set(labelsOf(topic), highBytes)
    })
    this.#gauge('odradek_disk_budget_low_bytes', 'Where it ends.', (gauge) => {
      setUnlessNull(gauge, diskBudget().lowBytes)
      for (const { topic, lowBytes } of diskBudget().topics) gauge.set(labelsOf(topic), lowBytes)
    })
    this.#gauge('odradek_disk_budget_state', '1 for the state that the disk budget is in.', (gauge) => {
      for (const state of STATES) {
        gauge.set({ state }, Number(diskBudget().state === state))
        for (const { topic, state: own } of diskBudget().topics)
          gauge.set({ ...labelsOf(topic), state }, Number(own === state))
      }
    })
    this.#counter('odradek_disk_budget_rejected_requests_total', 'Produce requests refused for want of room.', () => {
      return diskBudget().rejectedRequests
    })
    this.#counter('odradek_disk_budget_deleted_segments_total', 'Segments deleted to make room.', () => {
      return diskBudget().deletedSegments
    })
    this.#counter('odradek_disk_budget_deleted_bytes_total', 'Bytes of these.', () => diskBudget().deletedBytes)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** In Prometheus' text format. */
  render(): Promise<string> {
    return this.#registry.metrics()
  }

  #gauge(name: string, help: string, set: (gauge: Gauge<'topic' | 'state'>) => void): void {
    const gauge: Gauge<'topic' | 'state'> = new Gauge({
      name,
      help,
      labelNames: ['topic', 'state'],
      registers: [this.#registry],
      collect() {
        // What was there the last time may be gone.
        gauge.reset()
        set(gauge)
      },
    })
  }

  #counter(name: string, help: string, total: () => number): void {
    const counter = new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        counter.reset()
        counter.inc(total())
      },
    })
  }
}

function labelsOf(topic: BudgetStatus['topic']): { topic: string } | Record<string, never> {
  return topic === null ? {} : { topic }
}

function setUnlessNull(gauge: Gauge<'topic' | 'state'>, value: number | null): void {
  if (value !== null) gauge.set(value)
}
