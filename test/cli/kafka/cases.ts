/** One call of a tool; `{bootstrap}` stands for the address of the broker, `{dir}` for a folder that is empty at first. */
export interface ToolCase {
  readonly tool: string
  readonly args: readonly string[]
  /** What the tool reads from standard input. */
  readonly input?: string
  /** A file written to `{dir}` before. */
  readonly anyOrder?: boolean
  /** What our tool does otherwise on purpose; its outcome is not compared. */
  readonly differs?: string
  readonly file?: { readonly name: string; readonly text: string }
}

const AT = ['--bootstrap-server', '{bootstrap}']

function at(tool: string, ...args: string[]): ToolCase {
  return { tool, args: [...AT, ...args] }
}

function topics(...args: string[]): ToolCase {
  return at('kafka-topics', ...args)
}

function configs(...args: string[]): ToolCase {
  return at('kafka-configs', ...args)
}

function groups(...args: string[]): ToolCase {
  return at('kafka-consumer-groups', ...args)
}

function produce(input: string, ...args: string[]): ToolCase {
  return { ...at('kafka-console-producer', ...args), input }
}

function consume(...args: string[]): ToolCase {
  return at('kafka-console-consumer', ...args)
}

/** Groups that nobody names get a name by chance. */
function consumeAs(group: string, ...args: string[]): ToolCase {
  return consume(...args, '--group', group)
}

function differs(why: string, call: ToolCase): ToolCase {
  return { ...call, differs: why }
}

/** The order of the lines says nothing. */
function anyOrder(call: ToolCase): ToolCase {
  return { ...call, anyOrder: true }
}

const NOWHERE = ['--bootstrap-server', '127.0.0.1:9']
const RESET = ['--reset-offsets', '--group', 'readers', '--topic', 'orders']

/** In this order on a fresh broker: each may rest on what came before. */
export const TOOL_CASES: readonly ToolCase[] = [
  topics('--list'),
  topics('--create', '--topic', 'orders', '--partitions', '3', '--replication-factor', '1'),
  topics('--create', '--topic', 'orders', '--partitions', '3'),
  topics('--create', '--if-not-exists', '--topic', 'orders'),
  topics('--create', '--topic', 'pay_ments', '--config', 'retention.ms=3600000', '--config', 'cleanup.policy=compact'),
  topics('--create', '--topic', 'pay.ments.x'),
  topics('--create', '--topic', 'lines'),
  topics('--create', '--topic', 'bad name'),
  topics('--create', '--topic', 'many', '--replication-factor', '3'),
  topics('--create', '--topic', 'none', '--partitions', '0'),
  topics('--create', '--topic', 'oddcfg', '--config', 'no.such=1'),
  topics('--create', '--topic', 'oddcfg', '--config', 'retention.ms'),
  topics('--create', '--topic', 'oddcfg', '--config', 'retention.ms=x'),
  topics('--create', '--topic', 'assigned', '--replica-assignment', '1,1'),
  topics('--create', '--topic', 'assigned', '--replica-assignment', '1,1', '--partitions', '2'),
  topics('--create'),
  topics('--create', '--topic', 'orders', '--exclude-internal'),
  topics('--list'),
  topics('--list', '--topic', 'pay.*'),
  topics('--list', '--topic', 'orders|assigned'),
  topics('--list', '--exclude-internal'),
  topics('--describe', '--topic', 'orders'),
  topics('--describe', '--topic', 'pay_ments'),
  anyOrder(topics('--describe')),
  topics('--describe', '--topic', 'absent'),
  topics('--describe', '--topic', 'absent', '--if-exists'),
  anyOrder(topics('--describe', '--topics-with-overrides')),
  topics('--describe', '--under-replicated-partitions'),
  topics('--describe', '--unavailable-partitions', '--under-min-isr-partitions'),
  topics('--describe', '--at-min-isr-partitions', '--topic', 'orders'),
  topics('--alter', '--topic', 'orders', '--partitions', '4'),
  topics('--alter', '--topic', 'orders', '--partitions', '2'),
  topics('--alter', '--topic', 'orders'),
  topics('--alter', '--topic', 'absent', '--partitions', '4'),
  topics('--alter', '--topic', 'absent', '--partitions', '4', '--if-exists'),
  topics('--delete', '--topic', 'absent'),
  topics('--delete', '--topic', 'absent', '--if-exists'),
  topics('--delete', '--topic', 'assigned'),
  topics('--delete'),
  topics('--list', '--delete', '--topic', 'orders'),
  topics(),
  topics('--nonsense'),
  topics('--topic', 'orders', '--describe', '--partitions', 'x'),
  { tool: 'kafka-topics', args: ['--list'] },
  { tool: 'kafka-topics', args: ['--list', '--zookeeper', 'localhost:2181'] },
  differs('the words of the usage text are ours', { tool: 'kafka-topics', args: [] }),
  { tool: 'kafka-topics', args: ['--list', '--bootstrap-server'] },
  differs('the message says what is wrong with the address', {
    tool: 'kafka-topics',
    args: ['--list', '--bootstrap-server', 'nonsense'],
  }),
  { tool: 'kafka-topics', args: ['--version'] },
  differs('the words of the usage text are ours', { tool: 'kafka-topics', args: ['--help'] }),
  { tool: 'kafka-topics', args: ['--list', '--bootstrap-server={bootstrap}'] },
  { tool: 'kafka-topics', args: ['--list', '--boot', '{bootstrap}', '--exclude'] },
  differs('one line on standard error says what it waits for', {
    tool: 'kafka-topics',
    args: [...NOWHERE, '--list', '--command-config', '{dir}/fast.properties'],
    file: { name: 'fast.properties', text: 'default.api.timeout.ms=1500\nrequest.timeout.ms=1000\n' },
  }),
  { tool: 'kafka-topics', args: [...AT, '--list', '--command-config', '{dir}/absent.properties'] },

  produce('one\ntwo\nthree\n', '--topic', 'pay.ments.x'),
  produce('k1:v1\nk2:v2\n', '--topic', 'pay_ments', '--property', 'parse.key=true', '--property', 'key.separator=:'),
  produce('k1\n', '--topic', 'pay_ments', '--property', 'parse.key=true'),
  produce(
    'h1:a,h2:b\tk3\tNIL\n',
    '--topic',
    'pay_ments',
    '--reader-property',
    'parse.key=true',
    '--reader-property',
    'parse.headers=true',
    '--reader-property',
    'null.marker=NIL',
  ),
  produce('x\n', '--topic', 'lines', '--compression-codec', 'gzip', '--sync'),
  produce('x\n', '--topic', 'orders', '--compression-codec', 'nonsense'),
  produce('x\n', '--topic', 'lines', '--producer-property', 'acks=1', '--request-required-acks', 'all'),
  produce('x\n'),
  produce('x\n', '--topic', 'bad name'),
  { tool: 'kafka-console-producer', args: ['--topic', 'orders'], input: '' },
  differs('--broker-list is still taken', {
    tool: 'kafka-console-producer',
    args: ['--broker-list', '{bootstrap}', '--topic', 'absent'],
    input: '',
  }),

  consumeAs('g1', '--topic', 'pay.ments.x', '--from-beginning', '--max-messages', '3'),
  consumeAs('g2', '--topic', 'pay.ments.x', '--from-beginning', '--timeout-ms', '3000'),
  consume('--topic', 'pay.ments.x', '--partition', '0', '--offset', '1', '--max-messages', '2'),
  consume('--topic', 'pay.ments.x', '--partition', '0', '--offset', 'earliest', '--max-messages', '1'),
  consumeAs(
    'g3',
    '--topic',
    'pay_ments',
    '--from-beginning',
    '--max-messages',
    '3',
    ...[
      'print.key=true',
      'print.timestamp=true',
      'print.offset=true',
      'print.partition=true',
      'print.headers=true',
    ].flatMap((property) => ['--property', property]),
  ),
  consumeAs(
    'g4',
    '--topic',
    'pay_ments',
    '--from-beginning',
    '--max-messages',
    '3',
    ...['print.key=true', 'key.separator=|', 'line.separator=;', 'null.literal=NIL', 'print.value=true'].flatMap(
      (property) => ['--formatter-property', property],
    ),
  ),
  consume('--topic', 'pay.ments.x', '--from-beginning', '--max-messages', '3', '--group', 'readers'),
  consume('--topic', 'pay.ments.x', '--max-messages', '1', '--group', 'readers', '--timeout-ms', '1500'),
  consumeAs(
    'g5',
    '--include',
    'pay\\.m.*',
    '--from-beginning',
    '--max-messages',
    '2',
    '--isolation-level',
    'read_committed',
  ),
  consume('--topic', 'pay.ments.x', '--offset', '1'),
  consume('--topic', 'pay.ments.x', '--partition', '0', '--offset', 'soon'),
  consume('--topic', 'pay.ments.x', '--partition', '0', '--from-beginning', '--offset', '1'),
  consume('--topic', 'a', '--include', 'b'),
  consume('--topic', 'a', '--partition', '0', '--group', 'g'),
  consume(),
  consume('--topic', 'pay.ments.x', '--isolation-level', 'nonsense'),
  { tool: 'kafka-console-consumer', args: ['--topic', 'orders'] },

  anyOrder(groups('--list')),
  anyOrder(groups('--list', '--state')),
  anyOrder(groups('--list', '--state', 'empty')),
  groups('--list', '--state', 'nonsense'),
  anyOrder(groups('--list', '--type')),
  groups('--describe', '--group', 'readers'),
  groups('--describe', '--group', 'readers', '--members'),
  groups('--describe', '--group', 'readers', '--members', '--verbose'),
  groups('--describe', '--group', 'readers', '--state'),
  differs('the console consumer commits no leader epoch', groups('--describe', '--group', 'readers', '--verbose')),
  groups('--describe', '--group', 'absent'),
  groups('--describe', '--group', 'absent', '--state'),
  groups('--describe', '--group', 'absent', '--members'),
  groups('--describe'),
  groups('--describe', '--group', 'readers', '--members', '--state'),
  groups('--reset-offsets', '--group', 'readers', '--topic', 'pay.ments.x', '--to-earliest'),
  groups('--reset-offsets', '--group', 'readers', '--topic', 'pay.ments.x', '--to-earliest', '--dry-run'),
  groups('--reset-offsets', '--group', 'readers', '--topic', 'pay.ments.x', '--to-earliest', '--execute'),
  groups('--reset-offsets', '--group', 'readers', '--topic', 'pay.ments.x:0', '--to-offset', '2', '--execute'),
  groups('--reset-offsets', '--group', 'readers', '--topic', 'pay.ments.x', '--shift-by', '-1', '--execute'),
  differs(
    'says on standard error that the offset lies outside of the log',
    groups('--reset-offsets', '--group', 'readers', '--topic', 'pay.ments.x', '--shift-by', '9', '--execute'),
  ),
  differs(
    'says on standard error that the offset lies outside of the log',
    groups('--reset-offsets', '--group', 'readers', '--topic', 'pay.ments.x', '--to-offset', '99', '--dry-run'),
  ),
  groups('--reset-offsets', '--group', 'readers', '--all-topics', '--to-latest', '--export', '--dry-run'),
  groups('--reset-offsets', '--group', 'readers', '--all-topics', '--to-current', '--dry-run'),
  groups(...RESET, '--to-datetime', '2001-01-01T00:00:00.000', '--execute'),
  groups(...RESET, '--by-duration', 'PT1H', '--dry-run'),
  groups(...RESET, '--by-duration', 'soon', '--dry-run'),
  groups(...RESET, '--to-datetime', 'soon', '--dry-run'),
  {
    tool: 'kafka-consumer-groups',
    args: [...AT, '--reset-offsets', '--group', 'readers', '--from-file', '{dir}/offsets.csv', '--execute'],
    file: { name: 'offsets.csv', text: 'orders,0,0\norders,1,0\n' },
  },
  groups('--reset-offsets', '--group', 'readers', '--to-earliest', '--execute'),
  groups('--reset-offsets', '--group', 'readers', '--topic', 'orders', '--execute'),
  groups('--reset-offsets', '--group', 'fresh', '--topic', 'orders:0,1', '--to-earliest', '--execute'),
  groups('--reset-offsets', '--group', 'readers', '--topic', 'absent', '--to-earliest', '--execute'),
  groups('--reset-offsets', '--group', 'readers', '--topic', 'orders', '--to-earliest', '--to-latest', '--execute'),
  groups('--reset-offsets', '--topic', 'orders', '--to-earliest', '--execute'),
  groups('--reset-offsets', '--group', 'readers', '--topic', 'orders', '--to-earliest', '--dry-run', '--execute'),
  groups('--describe', '--all-groups'),
  groups('--describe', '--all-groups', '--state'),
  groups('--delete-offsets', '--group', 'readers', '--topic', 'orders'),
  groups('--delete-offsets', '--group', 'readers', '--topic', 'orders:0'),
  groups('--delete-offsets', '--group', 'absent', '--topic', 'orders'),
  groups('--delete', '--group', 'fresh'),
  groups('--delete', '--group', 'fresh'),
  groups('--delete', '--group', 'readers', '--group', 'absent'),
  groups('--delete'),
  groups('--list', '--delete'),
  { tool: 'kafka-consumer-groups', args: ['--list'] },

  configs('--describe', '--topic', 'pay_ments'),
  configs('--describe', '--entity-type', 'topics', '--entity-name', 'orders'),
  configs(
    '--alter',
    '--entity-type',
    'topics',
    '--entity-name',
    'orders',
    '--add-config',
    'retention.ms=1000,cleanup.policy=[delete,compact]',
  ),
  configs('--describe', '--entity-type', 'topics', '--entity-name', 'orders'),
  configs('--alter', '--topic', 'orders', '--delete-config', 'retention.ms'),
  configs('--alter', '--topic', 'orders', '--delete-config', 'no.such'),
  configs('--alter', '--topic', 'orders', '--add-config', 'no.such=1'),
  configs('--alter', '--topic', 'orders', '--add-config', 'retention.ms=x'),
  configs('--alter', '--topic', 'orders', '--add-config', 'retention.ms'),
  configs('--alter', '--topic', 'orders'),
  configs('--alter', '--topic', 'absent', '--add-config', 'retention.ms=5'),
  configs('--describe', '--topic', 'absent'),
  anyOrder(configs('--describe', '--entity-type', 'topics')),
  configs('--describe', '--broker', '1'),
  configs('--alter', '--broker', '1', '--add-config', 'log.cleaner.threads=2'),
  configs('--describe', '--broker', '1'),
  configs('--alter', '--broker', '1', '--delete-config', 'log.cleaner.threads'),
  configs('--alter', '--broker', '1', '--add-config', 'log.dirs=/x'),
  configs('--alter', '--entity-type', 'brokers', '--entity-default', '--add-config', 'log.retention.ms=5000000'),
  configs('--describe', '--entity-type', 'brokers', '--entity-default'),
  configs('--describe', '--entity-type', 'brokers'),
  configs('--alter', '--broker-defaults', '--delete-config', 'log.retention.ms'),
  configs('--describe', '--broker', '7'),
  configs('--describe', '--broker', 'x'),
  configs(
    '--alter',
    '--entity-type',
    'groups',
    '--entity-name',
    'readers',
    '--add-config',
    'consumer.session.timeout.ms=50000',
  ),
  configs('--describe', '--entity-type', 'groups', '--entity-name', 'readers'),
  configs('--describe', '--group', 'readers'),
  configs('--alter', '--entity-type', 'client-metrics', '--entity-name', 'cm', '--add-config', 'interval.ms=10000'),
  configs('--describe', '--client-metrics', 'cm'),
  configs('--describe', '--client-metrics', 'absent'),
  configs('--describe', '--group', 'absent'),
  anyOrder(configs('--describe', '--entity-type', 'groups')),
  configs('--describe', '--entity-type', 'client-metrics'),
  configs('--alter', '--entity-type', 'topics', '--add-config', 'a=b'),
  configs('--alter', '--entity-type', 'brokers', '--add-config', 'a=b'),
  configs('--describe', '--topic', 'orders', '--entity-default'),
  configs('--describe', '--entity-type', 'topics', '--entity-type', 'brokers'),
  configs('--describe', '--entity-type', 'nonsense'),
  configs('--describe'),
  configs('--alter', '--describe', '--topic', 'orders'),
  configs('--alter', '--add-config', 'a=b'),
  configs('--topic', 'orders'),
  { tool: 'kafka-configs', args: ['--describe', '--topic', 'orders'] },

  differs('the words of the usage text are ours', { tool: 'kafka-broker-api-versions', args: [] }),
  { tool: 'kafka-broker-api-versions', args: ['--version'] },
  at('kafka-broker-api-versions'),
  { tool: 'kafka-cluster', args: ['cluster-id', ...AT] },
  { tool: 'kafka-cluster', args: ['list-endpoints', ...AT] },
  { tool: 'kafka-cluster', args: ['cluster-id'] },
  { tool: 'kafka-cluster', args: ['unregister', ...AT, '--id', '7'] },
  { tool: 'kafka-cluster', args: ['nonsense', ...AT] },
  { tool: 'kafka-cluster', args: [] },
  at('kafka-get-offsets', '--exclude-internal-topics'),
  at('kafka-get-offsets', '--topic', 'pay.ments.x'),
  at('kafka-get-offsets', '--topic', 'pay.*', '--time', 'earliest'),
  at('kafka-get-offsets', '--topic', 'orders', '--partitions', '0,1', '--time', '-2'),
  at('kafka-get-offsets', '--topic', 'orders', '--time', 'max-timestamp'),
  at('kafka-get-offsets', '--topic', 'lines', '--time', 'max-timestamp'),
  at('kafka-get-offsets', '--topic-partitions', 'orders:0,pay.ments.x:0-1', '--time', '-1'),
  at('kafka-get-offsets', '--topic', 'pay.ments.x', '--time', '1000'),
  at('kafka-get-offsets', '--topic', 'absent'),
  at('kafka-get-offsets', '--topic', 'orders', '--time', 'soon'),
  at('kafka-get-offsets', '--topic', 'orders', '--exclude-internal-topics'),
  { tool: 'kafka-get-offsets', args: ['--topic', 'orders'] },
  { tool: 'kafka-get-offsets', args: ['--broker-list', '{bootstrap}', '--topic', 'pay.ments.x'] },
  {
    tool: 'kafka-delete-records',
    args: [...AT, '--offset-json-file', '{dir}/delete.json'],
    file: {
      name: 'delete.json',
      text: '{"partitions": [{"topic": "pay.ments.x", "partition": 0, "offset": 2}], "version": 1}',
    },
  },
  {
    tool: 'kafka-delete-records',
    args: [...AT, '--offset-json-file', '{dir}/delete.json'],
    file: {
      name: 'delete.json',
      text: '{"partitions": [{"topic": "pay.ments.x", "partition": 0, "offset": 99}]}',
    },
  },
  {
    tool: 'kafka-delete-records',
    args: [...AT, '--offset-json-file', '{dir}/delete.json'],
    file: { name: 'delete.json', text: '{"version": 1}' },
  },
  at('kafka-delete-records'),
  at('kafka-log-dirs', '--describe', '--topic-list', 'pay.ments.x', '--broker-list', '1'),
  at('kafka-log-dirs', '--describe', '--broker-list', '7'),
  at('kafka-log-dirs', '--describe', '--topic-list', 'absent'),
  at('kafka-log-dirs'),
  at('kafka-leader-election', '--election-type', 'preferred', '--all-topic-partitions'),
  at('kafka-leader-election', '--election-type', 'preferred', '--topic', 'orders', '--partition', '0'),
  at('kafka-leader-election', '--election-type', 'unclean', '--topic', 'absent', '--partition', '0'),
  at('kafka-leader-election', '--election-type', 'nonsense', '--all-topic-partitions'),
  at('kafka-leader-election', '--election-type', 'preferred'),
  at('kafka-leader-election', '--all-topic-partitions'),
  { tool: 'kafka-features', args: [...AT, 'describe'] },
  { tool: 'kafka-features', args: ['describe'] },
  { tool: 'kafka-metadata-quorum', args: [...AT, 'describe', '--status'] },
  { tool: 'kafka-metadata-quorum', args: [...AT, 'describe', '--replication'] },

  { tool: 'kafka-storage', args: ['random-uuid'] },
  { tool: 'kafka-storage', args: [] },
  { tool: 'kafka-storage', args: ['nonsense'] },
  {
    tool: 'kafka-storage',
    args: ['info', '-c', '{dir}/server.properties'],
    file: {
      name: 'server.properties',
      text: 'process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@localhost:9093\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER\nlog.dirs={dir}/data\n',
    },
  },
  { tool: 'kafka-storage', args: ['format', '-t', '5L6g3nShT-eMCtK--X86sw', '-c', '{dir}/server.properties'] },
  { tool: 'kafka-storage', args: ['format', '-t', '5L6g3nShT-eMCtK--X86sw', '-c', '{dir}/server.properties'] },
  {
    tool: 'kafka-storage',
    args: [
      'format',
      '--cluster-id',
      '5L6g3nShT-eMCtK--X86sw',
      '--config',
      '{dir}/server.properties',
      '--ignore-formatted',
    ],
  },
  differs('the message is one line without a stack', {
    tool: 'kafka-storage',
    args: ['format', '-g', '-t', '4L6g3nShT-eMCtK--X86sw', '-c', '{dir}/server.properties'],
  }),
  { tool: 'kafka-storage', args: ['info', '-c', '{dir}/server.properties'] },
  { tool: 'kafka-storage', args: ['format', '-c', '{dir}/server.properties'] },
  differs('the message is one line without a stack', {
    tool: 'kafka-storage',
    args: ['format', '-t', 'not-a-uuid', '-c', '{dir}/other.properties'],
  }),
  { tool: 'kafka-storage', args: ['format', '-t', '5L6g3nShT-eMCtK--X86sw'] },
  consume('--topic', 'pay.ments.x', '--from-beginning', '--max-messages', '1'),
]
