/**
 * The shard that coordinates a key: Kafka's own rule, because tools that read the internal topics apply it too.
 * The hash is that of Java strings, over UTF-16 units.
 */
export function shardOf(key: string, shards: number): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0
  // Kafka takes 0 for Integer.MIN_VALUE, whose absolute value an int cannot hold.
  return hash === -0x80000000 ? 0 : Math.abs(hash) % shards
}
