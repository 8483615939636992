const ADDRESS_FILE = '/tmp/odradek-advertised-listeners'

/**
 * Which port of the host leads to a container is known when it runs, and the broker has to know it before it starts. So
 * the container waits at this gate until it is told. The file goes once it is read: a container that is started again
 * has other ports, and waits again. A signal ends the wait at once.
 */
export const START_GATE: readonly string[] = [
  'sh',
  '-c',
  [
    'trap "exit 143" TERM INT',
    `while [ ! -f ${ADDRESS_FILE} ]; do sleep 0.02; done`,
    `KAFKA_ADVERTISED_LISTENERS=$(cat ${ADDRESS_FILE})`,
    'export KAFKA_ADVERTISED_LISTENERS',
    `rm -f ${ADDRESS_FILE}`,
    'trap - TERM INT',
    'exec "$@"',
  ].join('; '),
  'odradek',
]

/** What runs inside to open the gate. The rename makes the file appear whole. */
export function openGate(advertisedListeners: string): string[] {
  const script = `printf %s "$1" > ${ADDRESS_FILE}.new && mv ${ADDRESS_FILE}.new ${ADDRESS_FILE}`
  return ['sh', '-c', script, 'odradek', advertisedListeners]
}
