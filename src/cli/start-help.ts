import type { CommandOptions } from './command.ts'
import { optionLines } from './command-help.ts'

/** The options of `odradek start` for people; start.ts reads them. */
export const START_HELP_OPTIONS: CommandOptions = {
  port: {
    type: 'string',
    short: 'p',
    value: 'PORT',
    about: 'port of the client listener; 0 picks a free one (default: 9092)',
  },
  data: { type: 'string', short: 'd', value: 'DIR', about: 'where logs live (default: ./data)', completes: 'folder' },
  topic: {
    type: 'string',
    short: 't',
    value: 'TOPIC',
    about: 'a topic that is there from the start, NAME:PARTITIONS:REPLICAS; may be repeated',
    repeats: true,
  },
  durability: {
    type: 'string',
    value: 'os|disk',
    about: 'where acks=all ends (default: disk)',
    completes: ['disk', 'os'],
  },
  brokers: { type: 'string', value: 'N', about: 'play a cluster of N brokers, on N ports in a row (default: 1)' },
  set: {
    type: 'string',
    short: 's',
    value: 'NAME=VALUE',
    about: "any of Kafka's broker settings; may be repeated",
    repeats: true,
  },
  config: { type: 'string', short: 'c', value: 'FILE', about: 'a Kafka server.properties', completes: 'file' },
  http: {
    type: 'string',
    value: '[HOST:]PORT',
    about: 'serve HTTP, which makes faults happen; on this machine only without a host',
  },
  version: { type: 'boolean', short: 'V', about: 'print the version' },
  help: { type: 'boolean', short: 'h', about: 'print this' },
}

export function startHelp(): string {
  return optionLines(START_HELP_OPTIONS)
}
