/** A rule of /faults or /disk-faults; docs/faults.md tells its fields. */
export type Fault = Readonly<Record<string, unknown>> & { readonly kind: string }

export type FaultTable = 'faults' | 'disk-faults'

export interface BrokerState {
  id: number
  address: string
  state: 'running' | 'paused' | 'killed'
}

/** What a test does to the virtual brokers of one process, over HTTP as any language could. */
export class ClusterControl {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  /** Gives the id of the rule. */
  async addFault(fault: Fault, table: FaultTable = 'faults'): Promise<string> {
    const { id } = await this.#ask<{ id: string }>('POST', `/${table}`, fault)
    return id
  }

  /** How often a rule has fired. */
  async fired(id: string, table: FaultTable = 'faults'): Promise<number> {
    const { fired } = await this.#ask<{ fired: number }>('GET', `/${table}/${id}`)
    return fired
  }

  async removeFault(id: string, table: FaultTable = 'faults'): Promise<void> {
    await this.#ask('DELETE', `/${table}/${id}`)
  }

  async brokers(): Promise<BrokerState[]> {
    const { brokers } = await this.#ask<{ brokers: BrokerState[] }>('GET', '/brokers')
    return brokers
  }

  async change(action: 'kill' | 'start' | 'pause' | 'resume', brokerId: number): Promise<void> {
    await this.#ask('POST', `/brokers/${brokerId}/${action}`)
  }

  async moveLeader(topic: string, partition: number, broker: number): Promise<void> {
    await this.#ask('POST', `/topics/${topic}/partitions/${partition}/leader`, { broker })
  }

  async reset(): Promise<void> {
    await this.#ask('POST', '/reset')
  }

  /** Gives the id of the snapshot. */
  async snapshot(): Promise<string> {
    const { id } = await this.#ask<{ id: string }>('POST', '/snapshots')
    return id
  }

  async restore(snapshot: string): Promise<void> {
    await this.#ask('POST', `/snapshots/${snapshot}/restore`)
    await this.#ask('DELETE', `/snapshots/${snapshot}`)
  }

  /** No faults, and every broker runs. */
  async heal(): Promise<void> {
    await this.#ask('DELETE', '/faults')
    await this.#ask('DELETE', '/disk-faults')
    for (const { id, state } of await this.brokers()) {
      if (state === 'killed') await this.change('start', id)
      else if (state === 'paused') await this.change('resume', id)
    }
  }

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(this.#url + path, { method, ...(body && { body: JSON.stringify(body) }) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text) as T
  }
}
