/** Work that would hold the event loop too long: done on a thread pool, or at once under simulation. */
export interface Work {
  compress(codec: number, data: Buffer, level: number | null): Promise<Buffer>
  /** Fails when the result would exceed limitBytes. */
  decompress(codec: number, data: Buffer, limitBytes: number): Promise<Buffer>
}
