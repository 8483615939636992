import type { Logger } from 'pino'
import type { TopicSpec } from './topic-spec.ts'

/** How a broker in a test is started; everything has a default. */
export interface StartOptions {
  /** Port of the (first) broker; 0, the default, takes a free one. */
  readonly port?: number
  /** Where it listens and what clients are told; 127.0.0.1 by default. */
  readonly host?: string
  /** Brokers that clients see, with ids from 1 on, all in this process; 1 by default. */
  readonly brokers?: number
  /** Where logs are kept; in memory by default. */
  readonly dataDirectory?: string
  /** Topics there from the start; a name stands for one partition. */
  readonly topics?: readonly (string | TopicSpec)[]
  /** `[HOST:]PORT` of the HTTP side, where every language can do what this API does; off by default, 0 takes a free port. */
  readonly http?: number | string
  /** Kafka's broker settings by name. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
  /** 22 characters of base64url; made up by default. */
  readonly clusterId?: string
  /** A pino logger, or the least severe level that goes to stderr; `silent` by default. */
  readonly logger?: Logger | 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
}
