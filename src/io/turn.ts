/**
 * Calls back when everything that is ready in this turn of the event loop has run: what one poll of the sockets
 * brought is then complete and can be dealt with as one group. Also how long work lets others run in between.
 */
export type EndOfTurn = (callback: () => void) => void

export const endOfTurn: EndOfTurn = (callback) => {
  setImmediate(callback)
}
