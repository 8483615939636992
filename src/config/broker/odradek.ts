import { int, string } from '../config-definition.ts'
import { DERIVED_MARK, DISK_MARK_RANGE, diskMarkProblem, NO_MARK } from '../disk-mark.ts'
import { TOPIC_SPEC_FORM, topicSpecsProblem } from '../first-topics.ts'
import { HTTP_LISTENER_RANGE, httpListenerProblem } from '../http-listener.ts'

/** Settings that Kafka does not have. */
export const odradekConfigs = {
  'odradek.create.topics': string(
    null,
    `Topics that are created before the first client can connect, with commas or line breaks between: ${TOPIC_SPEC_FORM}. One that is there already stays as it is.`,
    { range: TOPIC_SPEC_FORM, check: topicSpecsProblem },
  ),
  'odradek.disk.budget.action': string(
    'reject',
    'What makes room when the disk budget is used up, where a topic does not say otherwise: "reject" takes no more records from producers until the low mark is reached, "delete" removes the oldest closed segments.',
    { oneOf: ['delete', 'reject'], dynamic: 'cluster' },
  ),
  'odradek.disk.budget.high': string(
    NO_MARK,
    'Disk space at which odradek.disk.budget.action begins to act. In bytes it is compared with the segments of all topics, as a percentage with everything on the file system.',
    { check: diskMarkProblem(NO_MARK), range: `${NO_MARK}, ${DISK_MARK_RANGE}`, dynamic: 'cluster' },
  ),
  'odradek.disk.budget.low': string(
    DERIVED_MARK,
    'Disk space at which it ends, in the same unit and less; "auto" is 95 % of the high mark.',
    { check: diskMarkProblem(DERIVED_MARK), range: `${DERIVED_MARK}, ${DISK_MARK_RANGE}`, dynamic: 'cluster' },
  ),
  'odradek.durability': string(
    'disk',
    'What acks=all promises: "disk" answers when the records would survive a power cut, "os" when the operating system has them, as Kafka does.',
    { oneOf: ['disk', 'os'] },
  ),
  'odradek.http.listener': string(
    null,
    'Where HTTP is served, which tells the state of the broker and makes faults happen; off where it is not set. Without a host only this machine reaches it. There is no password.',
    { check: httpListenerProblem, range: HTTP_LISTENER_RANGE },
  ),
  'odradek.open.files': int(
    -1,
    'Files of logs that are kept open; above, those used longest ago are closed and opened again when needed. -1 is half of what the operating system allows this process (ulimit -n), at most 4096.',
    { min: -1 },
  ),
  'odradek.record.validation': string('shallow', 'Default of odradek.record.validation for topics.', {
    oneOf: ['shallow', 'deep'],
    dynamic: 'cluster',
  }),
  'odradek.topics.file': string(
    null,
    'JSON file with more of them: an array of { "name", "partitions", "replicationFactor", "configs" }, of which only the name is needed.',
  ),
  'odradek.virtual.brokers': int(
    1,
    'Brokers that this process plays for its clients, to test their failover: ids and ports follow on from node.id and listeners.',
    { min: 1, max: 64 },
  ),
}
