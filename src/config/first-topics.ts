import { ConfigError } from './config-error.ts'

/** A topic that is there before the first client connects. */
export interface FirstTopic {
  readonly name: string
  /** -1 for num.partitions. */
  readonly partitions: number
  /** -1 for default.replication.factor; more than there are brokers means all of them. */
  readonly replicationFactor: number
  readonly configs: ReadonlyMap<string, string>
}

export const TOPICS_SETTING = 'odradek.create.topics'
export const TOPICS_FILE_SETTING = 'odradek.topics.file'
export const TOPIC_SPEC_FORM = 'NAME[:PARTITIONS[:REPLICATION[:POLICY or KEY=VALUE...]]]'
const FILE_FIELDS = ['name', 'partitions', 'replicationFactor', 'configs']
const NONE: ReadonlyMap<string, string> = new Map()

/** A list with commas or line breaks between; `source` begins the message for what a person has to correct. */
export function parseTopicSpecs(text: string, source: string): FirstTopic[] {
  const specs = text.split(/[,\n]/).map((spec) => spec.trim())
  const topics = specs.filter((spec) => spec !== '').map((spec) => parseTopicSpec(spec, source))
  refuseTwins(topics, source)
  return topics
}

/** Why a list is none, or null. */
export function topicSpecsProblem(text: string): string | null {
  try {
    parseTopicSpecs(text, '')
    return null
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

/** `t:3:1:compact` is what KAFKA_CREATE_TOPICS has long been written with; settings may follow in place of the policy. */
function parseTopicSpec(spec: string, source: string): FirstTopic {
  const [name, partitions = '', replication = '', ...settings] = spec.split(':').map((part) => part.trim())
  const refuse = (why: string) =>
    new ConfigError(TOPICS_SETTING, `${source}'${spec}' is not of the form ${TOPIC_SPEC_FORM}: ${why}`)
  if (!name) throw refuse('there is no name')
  return {
    name,
    partitions: countOf(partitions, (what) => refuse(`${what} is no number of partitions`)),
    replicationFactor: countOf(replication, (what) => refuse(`${what} is no replication factor`)),
    configs: new Map(settings.filter((setting) => setting !== '').map((setting) => configOf(setting, refuse))),
  }
}

/** -1 where nothing is said. */
function countOf(text: string, refuse: (what: string) => Error): number {
  if (text === '' || text === '-1') return -1
  if (!/^[1-9]\d{0,8}$/.test(text)) throw refuse(text)
  return Number(text)
}

/** In a list a comma ends the topic: `compact+delete` are two policies. */
function configOf(setting: string, refuse: (why: string) => Error): [name: string, value: string] {
  const at = setting.indexOf('=')
  const [name, value] =
    at < 0 ? ['cleanup.policy', setting] : [setting.slice(0, at).trim(), setting.slice(at + 1).trim()]
  if (name === '') throw refuse(`${setting} has no name`)
  return [name, name === 'cleanup.policy' ? value.replaceAll('+', ',') : value]
}

/** A JSON array of `{ "name", "partitions", "replicationFactor", "configs" }`, of which only the name is needed. */
export function parseTopicsFile(text: string, path: string): FirstTopic[] {
  const refuse = (why: string) => new ConfigError(TOPICS_FILE_SETTING, `${TOPICS_FILE_SETTING}: ${path}: ${why}`)
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw refuse(`this is no JSON: ${(error as SyntaxError).message}`)
  }
  if (!Array.isArray(content)) throw refuse(`give an array of topics, [{ "name": "orders", "partitions": 3 }]`)
  const topics = content.map((entry: unknown, at) => parseEntry(entry, (why) => refuse(`topic ${at + 1}: ${why}`)))
  refuseTwins(topics, `${TOPICS_FILE_SETTING}: ${path}: `)
  return topics
}

function parseEntry(entry: unknown, refuse: (why: string) => Error): FirstTopic {
  if (typeof entry === 'string') return { name: entry, partitions: -1, replicationFactor: -1, configs: NONE }
  if (!isObject(entry)) throw refuse('give a name or an object')
  const stranger = Object.keys(entry).find((field) => !FILE_FIELDS.includes(field))
  if (stranger !== undefined) throw refuse(`there is no field ${stranger}; the fields are ${FILE_FIELDS.join(', ')}`)
  const { name, partitions = -1, replicationFactor = -1, configs = {} } = entry
  if (typeof name !== 'string' || name === '') throw refuse('it has no name')
  if (!isCount(partitions)) throw refuse(`partitions of ${name} is not a whole number from 1 on`)
  if (!isCount(replicationFactor)) throw refuse(`replicationFactor of ${name} is not a whole number from 1 on`)
  if (!isObject(configs)) throw refuse(`configs of ${name} is not an object`)
  return { name, partitions, replicationFactor, configs: new Map(Object.entries(configs).map(textOf(name, refuse))) }
}

function textOf(topic: string, refuse: (why: string) => Error) {
  return ([name, value]: [string, unknown]): [string, string] => {
    if (['string', 'number', 'boolean'].includes(typeof value)) return [name, String(value)]
    throw refuse(`${name} of ${topic} is not a string, a number or a boolean`)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return value === -1 || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1)
}

function refuseTwins(topics: readonly FirstTopic[], source: string): void {
  const twin = topics.find(({ name }, at) => topics.findIndex((other) => other.name === name) < at)
  if (twin !== undefined) throw new ConfigError(TOPICS_SETTING, `${source}${twin.name} is given twice`)
}

export interface FirstTopicSettings {
  readonly [TOPICS_SETTING]: string | null
  readonly [TOPICS_FILE_SETTING]: string | null
}

/** Of both settings; for a topic in both the list is the stronger one. `read` gives null where there is no file. */
export function firstTopicsOf(config: FirstTopicSettings, read: (path: string) => string | null): FirstTopic[] {
  const list = parseTopicSpecs(config[TOPICS_SETTING] ?? '', `${TOPICS_SETTING}: `)
  const path = config[TOPICS_FILE_SETTING]
  if (path === null) return list
  const text = read(path)
  if (text === null) throw new ConfigError(TOPICS_FILE_SETTING, `${TOPICS_FILE_SETTING}: there is no file ${path}`)
  return [...new Map([...parseTopicsFile(text, path), ...list].map((topic) => [topic.name, topic])).values()]
}
