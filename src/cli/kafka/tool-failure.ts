/** Arguments that do not go together: the message and the usage text on standard error, exit code 1. */
export class UsageExit extends Error {
  override readonly name = 'UsageExit'
}

/** What the tool was asked for cannot be done. Where it is printed, and how, is for each tool to say. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure'
  /** The class under which Java tools report it; scripts look for these names. */
  readonly javaClass: string
  readonly #wrapped: boolean

  /** `wrapped`: Java has it inside of another exception, whose message is the class and the message of this one. */
  constructor(message: string, javaClass = 'java.lang.IllegalArgumentException', wrapped = false) {
    super(message)
    this.javaClass = javaClass
    this.#wrapped = wrapped
  }

  /** As a Java exception prints itself. */
  get text(): string {
    return `${this.javaClass}: ${this.message}`
  }

  /** What Java has for the message of the outermost exception. */
  get outerMessage(): string {
    return this.#wrapped ? this.text : this.message
  }

  /** The first line of the stack that Java prints. */
  get stackStart(): string {
    return this.#wrapped ? `java.util.concurrent.ExecutionException: ${this.text}` : this.text
  }
}
