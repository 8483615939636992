/** The ways of --reset-offsets, of which one has to be chosen. */
export const RESET_SCENARIOS = [
  'to-offset',
  'to-datetime',
  'by-duration',
  'to-earliest',
  'to-latest',
  'shift-by',
  'from-file',
  'to-current',
] as const
