import { int, list } from './config-definition.ts'

/** Settings of a subscription to client metrics (KIP-714). */
export const clientMetricsConfigs = {
  'interval.ms': int(300000, 'How often clients push their metrics.', { range: '[100,...,3600000]', use: 'accept' }),
  match: list([], 'Which clients: selector=pattern pairs that must all match; every client when empty.', {
    use: 'accept',
  }),
  metrics: list([], 'Which metrics, by prefix; "*" for all.', { use: 'accept' }),
}

export const MIN_INTERVAL_MS = 100
export const MAX_INTERVAL_MS = 3_600_000

/** What a client can be selected by. */
export const clientSelectors = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]
