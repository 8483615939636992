import { registerHooks } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** One line of the broker made wrong, to see that somebody notices. */
export interface Mutation {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** What is then no longer true. */
  readonly promise: string
}

export const mutations: readonly Mutation[] = [
  {
    name: 'acks-all-unsynced',
    file: 'src/apis/00-produce.ts',
    find: "return acks === 1 ? 'os' : broker.acksAllDurability",
    replace: "void broker\n  return 'os'",
    promise: 'acks=all is on the disk before the answer',
  },
  {
    name: 'names-unsynced',
    file: 'src/storage/local/log-files.ts',
    find: '      await this.#context.fileSystem.syncDirectory(this.directory)\n',
    replace: '',
    promise: 'the name of a file is on the disk before what is in it is acknowledged',
  },
  {
    name: 'torn-tail-kept',
    file: 'src/storage/local/log-loader.ts',
    find: '      open.file.truncate(result.endPosition)\n',
    replace: '',
    promise: 'a start cuts off what a crash left half written',
  },
  {
    name: 'crc-unchecked',
    file: 'src/storage/local/segment-scanner.ts',
    find: 'if (checked && !batchCrcIsValid(buffer, at))',
    replace: 'if (checked && buffer.length < 0)',
    promise: 'a start takes no batch whose CRC is wrong',
  },
  {
    name: 'snapshot-forgets',
    file: 'src/storage/local/producer-state.ts',
    find: '  for (const entry of state.all()) {\n    const last = entry.batches.at(-1)\n    writeInt64(content, at, entry.producerId)',
    replace:
      '  for (const entry of state.all()) {\n    const last = entry.batches.at(-1)\n    writeInt64(content, at, entry.producerId + 5000)',
    promise: 'an idempotent producer is recognised after a restart',
  },
  {
    name: 'retry-appended',
    file: 'src/storage/sequence-check.ts',
    find: "if (duplicate) return { kind: 'duplicate', batch: duplicate }",
    replace: 'if (duplicate) return APPEND',
    promise: 'a batch that an idempotent producer sends again is stored once',
  },
  {
    name: 'group-answers-early',
    file: 'src/coordinator/runtime.ts',
    find: 'if (lastWrite) lastWrite.replies.push(...outcome.replies)',
    replace: 'if (lastWrite && outcome.replies.length < 0) lastWrite.replies.push(...outcome.replies)',
    promise: 'a committed offset is on the disk before the answer',
  },
  {
    name: 'zombie-commits',
    file: 'src/coordinator/group/offset-commit.ts',
    find: 'if (generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION',
    replace: '',
    promise: 'nobody commits for a generation that is over',
  },
  {
    name: 'metadata-unsynced',
    file: 'src/metadata/metadata-log.ts',
    find: '      if (this.#options.sync) await this.#file.sync()\n',
    replace: '',
    promise: 'a created topic is there after a power cut',
  },
  {
    name: 'found-metadata-unsynced',
    file: 'src/metadata/metadata-log.ts',
    find: '      await this.#syncFound(this.#file)\n',
    replace: '',
    promise: 'what a killed broker left is safe before anything is built on it',
  },
  {
    name: 'epochs-stand-still',
    file: 'src/metadata/local-metadata.ts',
    find: '      records.push(partitionChangeRecord(',
    replace: '      void (partitionChangeRecord(',
    promise: 'leader epochs rise at every start',
  },
  {
    name: 'producer-ids-again',
    file: 'src/metadata/allocate-producer-ids.ts',
    find: 'const nextProducerId = firstProducerId + BLOCK_SIZE',
    replace: 'const nextProducerId = firstProducerId',
    promise: 'no producer id is given out twice',
  },
  {
    name: 'fetch-timers-left',
    file: 'src/broker/fetch-purgatory.ts',
    find: '    waiter.timer.cancel()\n',
    replace: '',
    promise: 'nothing is left behind by clients that are gone',
  },
  {
    name: 'fetch-waits-left',
    file: 'src/broker/fetch-purgatory.ts',
    find: '      waiting?.delete(waiter)\n',
    replace: '',
    promise: 'a fetch that was answered waits no longer',
  },
  {
    name: 'session-says-nothing',
    file: 'src/apis/01-fetch.ts',
    find: '    sizeOf(answered.records) > 0 ||\n',
    replace: '',
    promise: 'an incremental fetch tells everything that is new',
  },
  {
    name: 'deletion-unwritten',
    file: 'src/storage/local/local-log-store.ts',
    find: '    await this.#manager.checkpoint()\n    return log.offsets\n',
    replace: '    return log.offsets\n',
    promise: 'deleted records stay deleted',
  },
  {
    name: 'publish-waits-for-groups',
    file: 'src/server/odradek.ts',
    find: '      groups.onTopicsDeleted(',
    replace: '      return groups.onTopicsDeleted(',
    promise: 'no two parts of the broker wait for each other',
  },
  {
    name: 'replies-overtake',
    file: 'src/server/reply-queue.ts',
    find: 'if (slot === this.#head) this.#encodeInTurn(encode)',
    replace: 'if (slot !== null) this.#encodeInTurn(encode)',
    promise: 'replies leave in the order of the requests',
  },
]

/** Must come before the first import of the broker. Fails when the line to change is not there any more. */
export function mutate(name: string): void {
  const mutation = mutations.find((one) => one.name === name)
  if (mutation === undefined)
    throw new Error(`no mutation ${name}; there are ${mutations.map((one) => one.name).join(', ')}`)
  const url = pathToFileURL(path.resolve(import.meta.dirname, '../..', mutation.file)).href
  registerHooks({
    load(loaded, context, nextLoad) {
      const result = nextLoad(loaded, context)
      if (loaded !== url) return result
      return { ...result, source: mutated(String(result.source), mutation) }
    },
  })
}

export function mutated(source: string, { name, file, find, replace }: Mutation): string {
  if (source.split(find).length !== 2) throw new Error(`mutation ${name}: ${file} does not hold its line exactly once`)
  return source.replace(find, () => replace)
}
