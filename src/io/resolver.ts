/** How names of hosts become addresses. node-resolver.ts asks the machine. */
export interface Resolver {
  /** All addresses, those that are tried first in front. Fails as Node does (`error.code`: ENOTFOUND, EAI_AGAIN). */
  lookup(host: string): Promise<string[]>
}
