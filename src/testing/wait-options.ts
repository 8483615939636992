import type { Message } from './message.ts'

/** How long something may take. */
export interface WaitOptions {
  /** 10,000 by default. */
  readonly timeoutMs?: number
}

/** What is waited for of a group. */
export interface WaitForGroupOptions extends WaitOptions {
  /** Members the group must have at least; 1 by default. */
  readonly members?: number
}

/** Which messages are waited for. */
export interface WaitForMessagesOptions extends WaitOptions {
  /** Only messages that it is true of count. */
  readonly where?: (message: Message) => boolean
}
