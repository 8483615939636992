import { boolean, className, INT_MAX, int, list, long, string } from '../config-definition.ts'

/** Who this broker is, where it listens, and what peers may ask of it. */
export const networkConfigs = {
  'node.id': int(1, 'Number of this broker, unique in the cluster.', { min: 0 }),
  'broker.session.timeout.ms': int(
    9000,
    'How long one of several virtual brokers may be paused before the others take over what it led.',
  ),
  'broker.id': int(-1, 'Older name of node.id; taken where node.id is not set.'),
  'broker.rack': string(null, 'Rack of this broker, as clients are told.'),
  'process.roles': list(
    ['broker', 'controller'],
    'Roles of a Kafka process. This one is always broker and controller in one.',
    { oneOf: ['broker', 'controller'], use: 'accept' },
  ),
  listeners: list(
    ['PLAINTEXT://:9092'],
    'Where the broker listens, as NAME://host:port. An empty host stands for every interface; controller listeners are passed over.',
  ),
  'advertised.listeners': list(
    null,
    'What clients are told to connect to, by listener name. Without it, the address they already use.',
  ),
  'listener.security.protocol.map': string(
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'Security protocol of each listener name. Only PLAINTEXT is built.',
  ),
  'controller.listener.names': list(['CONTROLLER'], 'Names of listeners for controllers; they are not opened here.'),
  'auto.create.topics.enable': boolean(true, 'Whether asking for an unknown topic may create it.'),
  'delete.topic.enable': boolean(true, 'Whether topics may be deleted.'),
  'num.partitions': int(1, 'Partitions of a topic that is created without a number.', { min: 1 }),
  'default.replication.factor': int(
    1,
    'Replicas of a topic that is created without a number; at most the number of brokers.',
  ),
  'create.topic.policy.class.name': className(null, 'Java class that judges new topics; cannot be loaded.', {
    use: 'accept',
  }),
  'alter.config.policy.class.name': className(null, 'Java class that judges changed settings; cannot be loaded.', {
    use: 'accept',
  }),
  'connections.max.idle.ms': long(600000, 'A connection without traffic for this long is closed.'),
  'connection.failed.authentication.delay.ms': int(
    100,
    'How long the answer to a failed authentication is held back.',
    { min: 0, use: 'accept' },
  ),
  'connections.max.reauth.ms': long(
    0,
    'Life of an authenticated session before it must authenticate again; 0 for no limit.',
    { use: 'accept' },
  ),
  'max.connection.creation.rate': int(INT_MAX, 'New connections per second; more are delayed.', {
    min: 0,
    dynamic: 'cluster',
    use: 'accept',
  }),
  'max.connections': int(INT_MAX, 'Connections at one time; further ones are closed at once.', {
    min: 0,
    dynamic: 'cluster',
  }),
  'max.connections.per.ip': int(INT_MAX, 'Connections at one time from one address.', { min: 0, dynamic: 'cluster' }),
  'max.connections.per.ip.overrides': string('', 'Other limits for single addresses, as address:count pairs.', {
    dynamic: 'cluster',
  }),
  'max.incremental.fetch.session.cache.slots': int(1000, 'Fetch sessions kept at one time.', { min: 0 }),
  'max.request.partition.size.limit': int(2000, 'Partitions in one DescribeTopicPartitions answer.', { min: 1 }),
  'fetch.max.bytes': int(57671680, 'Largest answer to one Fetch; at least one batch is always sent.', { min: 1024 }),
  'message.max.bytes': int(1048588, 'Largest record batch that is accepted, after compression.', {
    min: 0,
    dynamic: 'cluster',
  }),
  'queued.max.request.bytes': long(
    -1,
    'Bytes of requests in hand before reading stops; -1 for the memory budget alone.',
    { use: 'accept' },
  ),
  'queued.max.requests': int(500, 'Requests in hand before reading stops.', { min: 1, use: 'accept' }),
  'request.timeout.ms': int(30000, 'How long a request of this broker to another waits for its answer.', {
    use: 'accept',
  }),
  'socket.listen.backlog.size': int(50, 'Connections that wait to be accepted.', { min: 1 }),
  'socket.receive.buffer.bytes': int(102400, 'Receive buffer of sockets; the operating system chooses it here.', {
    use: 'accept',
  }),
  'socket.request.max.bytes': int(104857600, 'Largest request; a larger one closes the connection.', { min: 1 }),
  'socket.send.buffer.bytes': int(102400, 'Send buffer of sockets; the operating system chooses it here.', {
    use: 'accept',
  }),
  'telemetry.max.bytes': int(1048576, 'Largest push of client metrics.', { min: 1, use: 'accept' }),
  'quota.window.num': int(11, 'Samples kept when a quota is measured.', { min: 1, use: 'accept' }),
  'quota.window.size.seconds': int(1, 'Length of one sample when a quota is measured.', { min: 1, use: 'accept' }),
}
