import type { Clock } from '../io/clock.ts'

const POLL_MS = 5

/**
 * Asks again and again until nothing is lacking, and throws, saying what is, when the time is up. On the machine's own
 * clock: a test that has moved the broker's time still waits in its own.
 */
export async function until(
  clock: Clock,
  timeoutMs: number,
  what: string,
  lacking: () => string | null | Promise<string | null>,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + timeoutMs
  for (;;) {
    const lack = await lacking()
    if (lack === null) return
    if (clock.monotonicMs() >= deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms; ${lack}`)
    await new Promise<void>((resolve) => clock.schedule(POLL_MS, resolve))
  }
}
