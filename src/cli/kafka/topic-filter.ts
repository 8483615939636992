import { ToolFailure } from './tool-failure.ts'

/** Kafka hides these from tools that are asked to leave out what is internal. */
const INTERNAL: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

/** A regular expression for whole topic names; a comma means `or`, and quotes around it are dropped. */
export class TopicFilter {
  readonly #pattern: RegExp

  constructor(text: string) {
    const pattern = text
      .trim()
      .replaceAll(',', '|')
      .replaceAll(' ', '')
      .replace(/^["']+|["']+$/g, '')
    try {
      this.#pattern = new RegExp(`^(?:${pattern})$`)
    } catch {
      throw new ToolFailure(`${pattern} is an invalid regex.`, 'java.lang.RuntimeException')
    }
  }

  allows(topic: string, excludeInternal: boolean): boolean {
    return this.#pattern.test(topic) && !(excludeInternal && isInternal(topic))
  }
}

export function isInternal(topic: string): boolean {
  return INTERNAL.has(topic)
}
