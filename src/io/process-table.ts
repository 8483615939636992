/** Who a process is, so that a lock file left behind by a dead one is told from one that is held. */
export interface ProcessIdentity {
  readonly pid: number
  /** In clock ticks since the boot, as text; '' where the system does not tell. A pid alone may have been reused. */
  readonly startTime: string
  /** '' where the system does not tell. */
  readonly bootId: string
}

export interface ProcessTable {
  readonly self: ProcessIdentity
  /** Whether that very process still runs. */
  isRunning(identity: ProcessIdentity): boolean
}
