import assert from 'node:assert/strict'
import type { Docker } from './docker.ts'
import { IMAGE } from './image.ts'

const START_PATIENCE_MS = 30_000
const POLL_MS = 50

/** A container of the image by the engine's own command line, gone when its block ends. */
export class BrokerContainer implements AsyncDisposable {
  readonly id: string
  readonly #docker: Docker

  private constructor(docker: Docker, id: string) {
    this.#docker = docker
    this.id = id
  }

  /** `docker run -d OPTIONS image COMMAND`. */
  static async run(
    docker: Docker,
    options: readonly string[],
    command: readonly string[] = [],
  ): Promise<BrokerContainer> {
    return new BrokerContainer(docker, await docker.run('run', '--detach', ...options, IMAGE.ours, ...command))
  }

  /** Resolves when the line is in its output; throws with the output when it has ended, or too much time has passed. */
  async waitForLog(line = 'Kafka Server started'): Promise<void> {
    const deadline = Date.now() + START_PATIENCE_MS
    for (;;) {
      const output = await this.logs()
      if (output.includes(line)) return
      const status = await this.inspect('{{.State.Status}}')
      if (status !== 'running' || Date.now() > deadline) {
        throw new Error(`the container is ${status}, and ${JSON.stringify(line)} is not in its output:\n${output}`)
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  async logs(): Promise<string> {
    const { stdout, stderr } = await this.#docker.try('logs', this.id)
    return stdout + stderr
  }

  inspect(format: string): Promise<string> {
    return this.#docker.run('inspect', '--format', format, this.id)
  }

  /** `host:port` for clients of this machine. */
  async address(containerPort = 9092): Promise<string> {
    const lines = (await this.#docker.run('port', this.id, String(containerPort))).split('\n')
    const port = lines[0]?.split(':').at(-1)
    assert.ok(port, `port ${containerPort} is not published`)
    return `127.0.0.1:${port}`
  }

  /** Runs a command inside and gives what it prints. */
  exec(...command: readonly string[]): Promise<string> {
    return this.#docker.run('exec', this.id, ...command)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#docker.run('rm', '--force', '--volumes', this.id)
  }
}
