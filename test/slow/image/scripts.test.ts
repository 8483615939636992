import {
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runToEnd } from '../../../compat-tests/process.ts'
import { BrokerProcess, endAll, repository } from '../../support/process.ts'
import { ImageRoot } from './image-root.ts'

const RUN = '/etc/kafka/docker/run'
const CONFLUENT = '/etc/confluent/docker'
const MECHANISM = 'KAFKA_LISTENER_NAME_SECURE_SCRAM-SHA-512_SASL_JAAS_CONFIG'
const TOOL_FOLDERS = ['/usr/bin', '/opt/kafka/bin', '/opt/bitnami/kafka/bin']

const rootfs = path.join(repository, 'docker/rootfs')
const scripts = globSync('**/*', { cwd: rootfs, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(?:txt|properties)$/.test(entry.name))
  .map((entry) => path.relative(rootfs, path.join(entry.parentPath, entry.name)))
  .sort()

/** Of lines in mountinfo: the fifth word is where something is mounted. */
function mounts(root: ImageRoot, ...places: string[]): Readonly<Record<string, string>> {
  const lines = places.map((place) => `36 35 98:0 /data ${root.path(place)} rw,noatime - ext3 /dev/root rw\n`)
  return { ODRADEK_MOUNTS: root.write('/mountinfo', lines.join('')) }
}

describe('scripts of the image', () => {
  let root: ImageRoot
  beforeAll(async () => {
    root = await ImageRoot.install()
  })
  afterAll(endAll)

  it('there are some', () => {
    expect(scripts).toEqual(expect.arrayContaining(['etc/kafka/docker/run', 'opt/odradek/image/odradek']))
  })

  it.each(scripts)('%s is read by its shell', async (script) => {
    const file = path.join(rootfs, script)
    const shell = readFileSync(file, 'utf8').startsWith('#!/usr/bin/env bash') ? 'bash' : 'sh'
    expect(await runToEnd(shell, ['-n', file])).toMatchObject({ code: 0, stderr: '' })
    // What is sourced needs no right to be run, and must not end its reader.
    const sourced = !readFileSync(file, 'utf8').startsWith('#!')
    expect((statSync(file).mode & 0o111) !== 0).toBe(!sourced)
  })

  it.each(TOOL_FOLDERS)('%s has every tool, with and without .sh', async (folder) => {
    const tools = readFileSync(path.join(rootfs, 'opt/odradek/image/kafka-tools.txt'), 'utf8').trim().split('\n')
    const own = ['kafka-server-start', 'kafka-server-stop', 'zookeeper-server-start']
    for (const name of [...tools, ...own].flatMap((tool) => [tool, `${tool}.sh`])) {
      const link = root.path(`${folder}/${name}`)
      expect(lstatSync(link).isSymbolicLink(), link).toBe(true)
      expect(existsSync(readlinkSync(link)), link).toBe(true)
    }
    const { launched } = await root.run([root.path(`${folder}/kafka-topics.sh`), '--list', '--topic', 'a b'])
    expect(launched).toMatchObject([
      { program: root.path('/opt/odradek/bin/odradek.cjs'), args: ['kafka-topics', '--list', '--topic', 'a b'] },
    ])
  })

  it('is installed twice without harm', async () => {
    expect(await root.run(['sh', root.path('/opt/odradek/image/install.sh')])).toMatchObject({ code: 0, stderr: '' })
  })

  it('what users of a container change belongs to its group too, as OpenShift needs it', async () => {
    for (const place of ['/var/lib/kafka/data', '/opt/kafka', '/etc/kafka', CONFLUENT, `${CONFLUENT}/configure`]) {
      const { mode } = statSync(root.path(place))
      expect((mode >> 3) & 7, place).toBe((mode >> 6) & 7)
    }
  })
})

describe('run, as apache/kafka has it', () => {
  let root: ImageRoot
  beforeAll(async () => {
    root = await ImageRoot.install()
  })
  afterAll(endAll)

  it('starts the broker with nothing, and says where data and readiness go', async () => {
    const { code, stdout, stderr, launched } = await root.run([root.path(RUN)], mounts(root))
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(launched).toHaveLength(1)
    expect(launched[0]).toMatchObject({
      program: root.path('/opt/odradek/bin/odradek.cjs'),
      args: [],
      env: { ODRADEK_DATA: root.path('/var/lib/kafka/data'), ODRADEK_READY_PHRASES: 'kafka' },
    })
  })

  it('NAME=VALUE arguments are variables, whatever is in them', async () => {
    const values = { KAFKA_NODE_ID: '2', KAFKA_A: 'two words, "$HOME" and =', [MECHANISM]: 'x y' }
    const { launched } = await root.run([root.path(RUN), ...Object.entries(values).map((pair) => pair.join('='))])
    expect(launched[0]?.env).toMatchObject(values)
  })

  it('refuses an argument that is no variable, and says what to do', async () => {
    const { code, stderr, launched } = await root.run([root.path(RUN), '--help'])
    expect({ code, launched }).toEqual({ code: 64, launched: [] })
    expect(stderr).toContain('--help is not of the form NAME=VALUE')
  })

  it('a mounted server.properties is the base', async () => {
    const file = root.write('/mnt/shared/config/server.properties', 'num.partitions=2\n')
    const { launched } = await root.run([root.path(RUN), 'KAFKA_NODE_ID=2'])
    rmSync(file)
    expect(launched[0]).toMatchObject({ args: ['--config', file], env: { KAFKA_NODE_ID: '2' } })
  })

  it('variables of spotify/kafka are those of Kafka, unless these are given', async () => {
    const old = { ADVERTISED_HOST: 'old', ADVERTISED_PORT: '9095', NUM_PARTITIONS: '3', AUTO_CREATE_TOPICS: 'false' }
    const run = async (more: Readonly<Record<string, string>>) =>
      (await root.run([root.path(RUN)], { ...old, ...more })).launched[0]?.env
    expect(await run({})).toMatchObject({
      KAFKA_ADVERTISED_HOST_NAME: 'old',
      KAFKA_ADVERTISED_PORT: '9095',
      KAFKA_NUM_PARTITIONS: '3',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    })
    expect(await run({ KAFKA_NUM_PARTITIONS: '4' })).toMatchObject({ KAFKA_NUM_PARTITIONS: '4' })
  })

  it('is found where wurstmeister/kafka has it', async () => {
    expect((await root.run([root.path('/usr/bin/start-kafka.sh')])).launched).toHaveLength(1)
  })

  it.each(['/opt/bitnami/scripts/kafka/run.sh', '/opt/bitnami/scripts/kafka/entrypoint.sh'])(
    '%s starts it',
    async (file) => {
      const root = await ImageRoot.install()
      expect((await root.run([root.path(file)])).launched).toHaveLength(1)
    },
  )

  it('Bitnami’s entrypoint runs what it is given', async () => {
    const entrypoint = root.path('/opt/bitnami/scripts/kafka/entrypoint.sh')
    expect(await root.run([entrypoint, 'echo', 'two words'])).toMatchObject({ stdout: 'two words\n', launched: [] })
  })
})

describe('where data go', () => {
  let root: ImageRoot
  beforeAll(async () => {
    root = await ImageRoot.install()
  })
  afterAll(endAll)

  it.each([
    [[], '/var/lib/kafka/data'],
    [['/var/lib/kafka/data'], '/var/lib/kafka/data'],
    [['/bitnami/kafka', '/proc'], '/bitnami/kafka/data'],
    [['/bitnami/kafka', '/var/lib/kafka/data'], '/bitnami/kafka/data'],
    [['/bitnami'], '/bitnami/kafka/data'],
    [['/bitnami/kafka/data'], '/bitnami/kafka/data'],
    [['/bitnami/kafka/config'], '/var/lib/kafka/data'],
  ])('with %j mounted: %s', async (places, expected) => {
    const { launched } = await root.run([root.path(RUN)], mounts(root, ...places))
    expect(launched[0]?.env['ODRADEK_DATA']).toBe(root.path(expected))
  })

  it('ODRADEK_DATA stays what somebody has set', async () => {
    const env = { ...mounts(root, '/bitnami/kafka'), ODRADEK_DATA: '/elsewhere' }
    expect((await root.run([root.path(RUN)], env)).launched[0]?.env['ODRADEK_DATA']).toBe('/elsewhere')
  })
})

describe('the steps of Confluent’s images', () => {
  afterEach(endAll)

  it('run configures, ensures and launches, with what configure has written', async () => {
    const root = await ImageRoot.install()
    const env = { KAFKA_NODE_ID: '3', ...mounts(root) }
    const { code, stderr, stdout, launched } = await root.run([root.path(`${CONFLUENT}/run`), `${MECHANISM}=x`], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.match(/===> \w+/g)).toEqual(['===> Configuring', '===> Running', '===> Launching'])
    const file = root.path('/etc/kafka/kafka.properties')
    expect(launched).toMatchObject([{ args: ['--config', file] }])
    expect(readFileSync(file, 'utf8')).toBe(`\nlog.dirs=${root.path('/var/lib/kafka/data')}\nnode.id=3\n`)
  })

  it('configure keeps what a mounted file says', async () => {
    const root = await ImageRoot.install()
    root.write('/mnt/shared/config/server.properties', 'log.dirs=/mine\nnum.partitions=2')
    await root.run([root.path(`${CONFLUENT}/configure`)], mounts(root))
    expect(readFileSync(root.path('/etc/kafka/kafka.properties'), 'utf8')).toBe('log.dirs=/mine\nnum.partitions=2\n')
  })

  it('what Testcontainers for Go runs: configure with a line more, an empty ensure, and launch', async () => {
    const root = await ImageRoot.install()
    const script = root.write(
      '/usr/sbin/testcontainers_start.sh',
      `#!/bin/bash
source ${root.path(CONFLUENT)}/bash-config
export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:32768,BROKER://$(hostname -i):9092
sed -i '/KAFKA_ZOOKEEPER_CONNECT/d' ${root.path(CONFLUENT)}/configure
echo 'kafka-storage format --ignore-formatted -t "$(kafka-storage random-uuid)" -c ${root.path('/etc/kafka/kafka.properties')}' >> ${root.path(CONFLUENT)}/configure
echo '' > ${root.path(CONFLUENT)}/ensure
${root.path(CONFLUENT)}/configure
${root.path(CONFLUENT)}/launch
`,
    )
    const { code, stderr, launched } = await root.run(['bash', script], mounts(root))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const properties = root.path('/etc/kafka/kafka.properties')
    expect(launched.map(({ args }) => args)).toEqual([
      ['kafka-storage', 'random-uuid'],
      ['kafka-storage', 'format', '--ignore-formatted', '-t', '', '-c', properties],
      ['--config', properties],
    ])
    expect(launched.at(-1)?.env['KAFKA_ADVERTISED_LISTENERS']).toMatch(
      /^PLAINTEXT:\/\/localhost:32768,BROKER:\/\/\d+\./,
    )
  })

  it('what Testcontainers for Python runs, by a shell that is no bash', async () => {
    const root = await ImageRoot.install()
    const script = root.write(
      '/tc-start.sh',
      `. ${root.path(CONFLUENT)}/bash-config
export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:32768
echo '' > ${root.path(CONFLUENT)}/ensure
${root.path(CONFLUENT)}/run
`,
    )
    const { code, launched } = await root.run(['sh', script], mounts(root))
    expect(code).toBe(0)
    expect(launched.at(-1)?.env['KAFKA_ADVERTISED_LISTENERS']).toBe('PLAINTEXT://localhost:32768')
  })

  it('ensure refuses data that cannot be written, and says whose they should be', async () => {
    const root = await ImageRoot.install()
    const env = { KAFKA_LOG_DIRS: '/proc/nowhere,/other' }
    const { code, stderr, launched } = await root.run([root.path(`${CONFLUENT}/run`)], env)
    expect({ code, launched }).toEqual({ code: 1, launched: [] })
    expect(stderr).toContain('/proc/nowhere cannot be written by user')
  })
})

describe('the health check', () => {
  let root: ImageRoot
  beforeAll(async () => {
    root = await ImageRoot.install()
  })
  afterAll(endAll)

  it('is true of a broker that answers, and of no other', async () => {
    const ready = root.path('/ready')
    const check = async () =>
      (await root.run([root.path('/opt/odradek/image/healthcheck')], { ODRADEK_READY_FILE: ready })).code
    expect(await check()).toBe(1)
    const broker = await BrokerProcess.start({ env: { ODRADEK_READY_FILE: ready } })
    expect(await check()).toBe(0)
    broker.child.kill('SIGSTOP')
    expect(await check()).toBe(1)
    broker.child.kill('SIGCONT')
    expect(await check()).toBe(0)
    await broker.end('SIGKILL')
    expect(existsSync(ready)).toBe(true)
    expect(await check()).toBe(1)
  })

  it('is true once the port accepts where there is no bash', async () => {
    const ready = root.path('/ready')
    const broker = await BrokerProcess.start({ env: { ODRADEK_READY_FILE: ready } })
    // The image's own nc is a program of bash: another stands in.
    mkdirSync(root.path('/plain'))
    for (const tool of ['sh', 'env']) symlinkSync(`/bin/${tool}`, root.path(`/plain/${tool}`))
    writeFileSync(root.path('/plain/nc'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 })
    const env = { ODRADEK_READY_FILE: ready, PATH: root.path('/plain') }
    const { code, stdout } = await root.run([root.path('/opt/odradek/image/healthcheck')], env)
    expect({ code, stdout }).toEqual({ code: 0, stdout: `-z -w 2 127.0.0.1 ${broker.port}\n` })
  })

  it('the image’s own nc tells whether a port accepts', async () => {
    const broker = await BrokerProcess.start()
    const nc = (...words: string[]) => root.run(['bash', root.path('/opt/odradek/image/nc'), ...words])
    expect(await nc('-z', 'localhost', String(broker.port))).toMatchObject({ code: 0, stderr: '' })
    expect(await nc('-vz', '-w', '1', '127.0.0.1', String(broker.port))).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('succeeded'),
    })
    await broker.end('SIGTERM')
    expect(await nc('-z', '127.0.0.1', String(broker.port))).toMatchObject({ code: 1 })
    expect(await nc('-l', '2181')).toMatchObject({ code: 64 })
  })
})

describe('kafka-server-start', () => {
  let root: ImageRoot
  beforeAll(async () => {
    root = await ImageRoot.install()
  })
  afterAll(endAll)

  it('takes a file and settings that override it, from the folder of Kafka', async () => {
    const words = [
      'bin/kafka-server-start.sh',
      'config/server.properties',
      '--override',
      'node.id=4',
      '--override',
      'a=b c',
    ]
    const { launched } = await root.run(words, {}, root.path('/opt/kafka'))
    expect(launched).toMatchObject([
      { args: ['--config', 'config/server.properties', '--set', 'node.id=4', '--set', 'a=b c'] },
    ])
  })

  it.each([[[]], [['file', '--override']], [['file', '--colour', 'red']]])(
    'explains itself after %j',
    async (words) => {
      const root = await ImageRoot.install()
      const { code, stderr, launched } = await root.run([root.path('/usr/bin/kafka-server-start'), ...words])
      expect({ code, launched }).toEqual({ code: 1, launched: [] })
      expect(stderr).toBe('USAGE: kafka-server-start [-daemon] server.properties [--override property=value]*\n')
    },
  )

  it('kafka-server-stop has nothing to stop where nothing is ready', async () => {
    const env = { ODRADEK_READY_FILE: root.path('/nowhere') }
    expect(await root.run([root.path('/usr/bin/kafka-server-stop')], env)).toMatchObject({
      code: 1,
      stderr: 'No kafka server to stop\n',
    })
  })
})
