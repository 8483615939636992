import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { BrokerProcess, endAll, SOURCE, temporaryFolder, withTimeout } from '../../support/process.ts'

/** What the modules of Testcontainers wait for: Java, Node and .NET, Python and Rust. */
const PHRASES = [
  /.*Transitioning from RECOVERY to RUNNING.*/,
  /.*\[KafkaServer id=7\] started.*/,
  /Kafka Server started/,
]

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port })
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

describe('readiness', () => {
  afterEach(endAll)

  it('the phrases of Kafka’s images stand on standard output once listeners accept', async () => {
    const env = { ODRADEK_READY_PHRASES: 'kafka', KAFKA_NODE_ID: '7' }
    const broker = await BrokerProcess.start({ env })
    expect(await connects(broker.port)).toBe(true)
    for (const phrase of PHRASES) expect(broker.stdout).toMatch(phrase)
    expect(broker.stdout.trimEnd().split('\n')).toHaveLength(2)
  })

  it('without being asked for them it says one line for people', async () => {
    const broker = await BrokerProcess.start()
    expect(broker.stdout.trimEnd().split('\n')).toHaveLength(1)
    for (const phrase of PHRASES) expect(broker.stdout).not.toMatch(phrase)
  })

  it('knows no other phrases', async () => {
    const ended = await BrokerProcess.run({ env: { ODRADEK_READY_PHRASES: 'rabbit' } })
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('ODRADEK_READY_PHRASES rabbit')
  })

  it('the ready file tells process and port, is gone while it stops, and an old one is not believed', async () => {
    const file = path.join(temporaryFolder(), 'ready')
    writeFileSync(file, '1 127.0.0.1 1 and more that nobody reads\n')
    const broker = await BrokerProcess.start({ env: { ODRADEK_READY_FILE: file } })
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`^\\d+ 127\\.0\\.0\\.1 ${broker.port}\\n$`))
    expect(await broker.end('SIGTERM')).toMatchObject({ code: 0 })
    expect(existsSync(file)).toBe(false)
    writeFileSync(file, '1 127.0.0.1 1\n')
    expect(
      await BrokerProcess.run({ env: { ODRADEK_READY_FILE: file, KAFKA_LISTENERS: 'SSL://:0' }, port: null }),
    ).toMatchObject({ code: 1 })
  })

  it('SIGTERM before it is ready ends it at once, and the next start is none the worse', async () => {
    // Nothing but a number of files makes this start a long one.
    const args = ['--topic', 'a:5000']
    const broker = BrokerProcess.launch({ args, env: { KAFKA_WHATEVER: 'x' } })
    await withTimeout(
      60_000,
      'no line before the start',
      new Promise<void>((resolve) => {
        broker.child.stderr?.on('data', () => {
          if (broker.stderr.includes('whatever')) resolve()
        })
      }),
    )
    expect(await broker.end('SIGTERM')).toMatchObject({ code: 143, stdout: '' })
    const again = await BrokerProcess.start({ data: broker.data })
    expect(await again.end('SIGTERM')).toMatchObject({ code: 0 })
  })

  it('a ready file that cannot be written is a warning', async () => {
    const broker = await BrokerProcess.start({ env: { ODRADEK_READY_FILE: '/proc/nowhere/ready' } })
    expect(broker.stderr).toMatch(/ODRADEK_READY_FILE \/proc\/nowhere\/ready: there is no such file or folder/)
    expect(await broker.end('SIGTERM')).toMatchObject({ code: 0 })
  })

  it('data go where ODRADEK_DATA says, unless a setting says otherwise', async () => {
    const folder = temporaryFolder()
    const file = path.join(folder, 'server.properties')
    writeFileSync(file, `log.dirs=${folder}/of-file\n`)
    // What BrokerProcess adds, the folder of the data included, is left out by the shell.
    const [node, launcher] = SOURCE
    const run = (options: string, env: Readonly<Record<string, string>>) =>
      BrokerProcess.start({
        program: ['sh', '-c', `exec "$0" "$1" --port 0 ${options}`, node, launcher!],
        env: { ODRADEK_DATA: `${folder}/of-image`, ...env },
      })
    expect((await run('', {})).stdout).toContain(`data in ${folder}/of-image\n`)
    expect((await run(`--config ${file}`, {})).stdout).toContain(`data in ${folder}/of-file\n`)
    const variable = await run(`--config ${file}`, { KAFKA_LOG_DIRS: `${folder}/of-variable` })
    expect(variable.stdout).toContain(`data in ${folder}/of-variable\n`)
  })

  it('a variable that shells drop is taken from the first process of the container', async () => {
    const file = path.join(temporaryFolder(), 'environ')
    const lost = 'KAFKA_LISTENER_NAME_SECURE_SCRAM-SHA-512_SASL_JAAS_CONFIG=a=secret'
    writeFileSync(file, ['PATH=/nowhere', lost, 'KAFKA_WHATEVER=x', ''].join('\0'))
    const broker = await BrokerProcess.start({ env: { ODRADEK_FIRST_ENVIRONMENT: file } })
    expect(broker.stderr).toContain('listener.name.secure.scram-sha-512.sasl.jaas.config')
    expect(broker.stderr).not.toMatch(/secret|whatever/)
  })

  it('goes on without it where that process is another user’s', async () => {
    const env = { ODRADEK_FIRST_ENVIRONMENT: '/nowhere/environ' }
    expect((await BrokerProcess.start({ env })).stderr).toBe('')
  })

  it('HOSTNAME_COMMAND is not run', async () => {
    const file = path.join(temporaryFolder(), 'was-run')
    const broker = await BrokerProcess.start({ env: { HOSTNAME_COMMAND: `touch ${file}` } })
    expect(broker.stderr).toContain('HOSTNAME_COMMAND: commands in variables are never run')
    expect(existsSync(file)).toBe(false)
  })

  it('BITNAMI_DEBUG asks for more lines, and ODRADEK_LOG_LEVEL has the last word', async () => {
    const chatty = await BrokerProcess.start({ env: { BITNAMI_DEBUG: 'true', KAFKA_WHATEVER: 'x' } })
    expect(chatty.stderr).toContain('settings that nobody knows: whatever')
    const quiet = await BrokerProcess.start({
      env: { BITNAMI_DEBUG: 'true', ODRADEK_LOG_LEVEL: 'error', KAFKA_WHATEVER: 'x' },
    })
    expect(quiet.stderr).toBe('')
  })
})
