/**
 * Where a peer sits, as far as its address tells. `near`: it has reached us at our own address. `gateway`: something
 * on the machine that holds our container passed it on, as a published port does; at what address the client had
 * asked, nobody knows here. `far`: outside the networks of our container, so somebody passed it on and kept its address.
 */
export type Origin = 'near' | 'gateway' | 'far'

export interface NetworkSurroundings {
  /** Of an address without a port, as in `172.17.0.1`. */
  originOf(remoteAddress: string): Origin
}

/** No container around us: whoever is here has used an address of ours. */
export const OPEN_NETWORK: NetworkSurroundings = { originOf: () => 'near' }
