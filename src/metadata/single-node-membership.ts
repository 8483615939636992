import type { BrokerNode, Membership } from './membership.ts'

/** A cluster of one: it leads every partition and coordinates every group. */
export class SingleNodeMembership implements Membership {
  readonly selfId: number
  readonly #endpoint: (listenerName: string) => { readonly host: string; readonly port: number }
  readonly #rack: string | null

  /** `endpoint` gives what clients of a listener are told to connect to; ports may be known only once bound. */
  constructor(
    selfId: number,
    endpoint: (listenerName: string) => { readonly host: string; readonly port: number },
    rack: string | null,
  ) {
    this.selfId = selfId
    this.#endpoint = endpoint
    this.#rack = rack
  }

  brokers(listenerName: string): readonly BrokerNode[] {
    const { host, port } = this.#endpoint(listenerName)
    return [{ id: this.selfId, host, port, rack: this.#rack }]
  }

  leaderFor(): number {
    return this.selfId
  }

  coordinatorFor(): number {
    return this.selfId
  }

  fenceFor(): number {
    return 0
  }
}
