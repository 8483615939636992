import { registerHooks } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** The machines that run on seeds: whole brokers in a simulated world, and one log beside its model. */
export type Machine = 'broker' | 'log'

/** One line of the broker made wrong, to see that somebody notices. */
export interface Mutation {
  readonly name: string
  /** Who has to notice. */
  readonly caughtBy: readonly Machine[]
  readonly file: string
  readonly find: string
  readonly replace: string
  /** What is then no longer true. */
  readonly promise: string
}

export const mutations: readonly Mutation[] = [
  {
    name: 'acks-all-unsynced',
    caughtBy: ['broker'],
    file: 'src/apis/00-produce.ts',
    find: "return acks === 1 ? 'os' : broker.acksAllDurability",
    replace: "void broker\n  return 'os'",
    promise: 'acks=all is on the disk before the answer',
  },
  {
    name: 'names-unsynced',
    caughtBy: ['broker'],
    file: 'src/storage/local/log-files.ts',
    find: '      await this.#context.fileSystem.syncDirectory(this.directory)\n',
    replace: '',
    promise: 'the name of a file is on the disk before what is in it is acknowledged',
  },
  {
    name: 'sync-skipped',
    caughtBy: ['log', 'broker'],
    file: 'src/storage/local/log-writer.ts',
    find: '      await open.file.sync()\n',
    replace: '',
    promise: 'what was appended durably survives a power cut',
  },
  {
    name: 'torn-tail-kept',
    caughtBy: ['log', 'broker'],
    file: 'src/storage/local/log-loader.ts',
    find: '      open.file.truncate(endPosition)\n',
    replace: '',
    promise: 'a start cuts off what a crash left half written',
  },
  {
    name: 'crc-unchecked',
    caughtBy: ['log'],
    file: 'src/storage/local/segment-scanner.ts',
    find: 'if (checked && !batchCrcIsValid(buffer, at))',
    replace: 'if (checked && buffer.length < 0)',
    promise: 'a start takes no batch whose CRC is wrong',
  },
  {
    name: 'snapshot-unwritten',
    caughtBy: ['log'],
    file: 'src/storage/local/log-files.ts',
    find: '    const path = this.#snapshotPath(offset)\n',
    replace: '    if (content) return\n',
    promise: 'a producer is known after its records were removed',
  },
  {
    name: 'snapshot-forgets',
    caughtBy: ['log', 'broker'],
    file: 'src/storage/local/producer-state.ts',
    find: '    writeInt64(content, at, entry.producerId)',
    replace: '    writeInt64(content, at, entry.producerId + 5000)',
    promise: 'an idempotent producer is recognised after a restart',
  },
  {
    name: 'snapshot-for-transactions',
    caughtBy: ['log'],
    file: 'src/storage/local/log-loader.ts',
    find: '      segment.baseOffset < this.#replayFrom\n',
    replace: '      segment.baseOffset < 0\n',
    promise: 'aborted records stay hidden when their segment is recovered',
  },
  {
    name: 'start-unwritten',
    caughtBy: ['log'],
    file: 'src/storage/local/log-manager.ts',
    find: '    await this.#writeOffsets(LOG_STARTS, this.#logStarts)\n',
    replace: '',
    promise: 'deleted records stay deleted',
  },
  {
    name: 'compaction-goes-too-far',
    caughtBy: ['log'],
    file: 'src/storage/local/cleanable-log.ts',
    find: 'const stableEnd = Math.min(log.lastStableOffset, log.recoveryPoint)',
    replace: 'const stableEnd = log.logEndOffset',
    promise: 'compaction leaves open transactions, and what is not on the disk yet, alone',
  },
  {
    name: 'retry-appended',
    caughtBy: ['broker'],
    file: 'src/storage/sequence-check.ts',
    find: "if (duplicate) return { kind: 'duplicate', batch: duplicate }",
    replace: 'if (duplicate) return APPEND',
    promise: 'a batch that an idempotent producer sends again is stored once',
  },
  {
    name: 'group-answers-early',
    caughtBy: ['broker'],
    file: 'src/coordinator/runtime.ts',
    find: '        lastWrite.replies.push(...outcome.replies)\n',
    replace: '        this.#tell(shard, { ...outcome, notes: [] })\n',
    promise: 'a committed offset is on the disk before the answer',
  },
  {
    name: 'zombie-commits',
    caughtBy: ['broker'],
    file: 'src/coordinator/group/offset-commit.ts',
    find: 'if (generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION',
    replace: '',
    promise: 'nobody commits for a generation that is over',
  },
  {
    name: 'metadata-unsynced',
    caughtBy: ['broker'],
    file: 'src/metadata/metadata-log.ts',
    find: '      if (this.#options.sync) await this.#file.sync()\n',
    replace: '',
    promise: 'a created topic is there after a power cut',
  },
  {
    name: 'found-metadata-unsynced',
    caughtBy: ['broker'],
    file: 'src/metadata/metadata-log.ts',
    find: '      await this.#syncFound(this.#file)\n',
    replace: '',
    promise: 'what a killed broker left is safe before anything is built on it',
  },
  {
    name: 'epochs-stand-still',
    caughtBy: ['broker'],
    file: 'src/metadata/local-metadata.ts',
    find: ')) records.push(record)\n',
    replace: ')) void record\n',
    promise: 'leader epochs rise at every start',
  },
  {
    name: 'producer-ids-again',
    caughtBy: ['broker'],
    file: 'src/metadata/allocate-producer-ids.ts',
    find: 'const nextProducerId = firstProducerId + BLOCK_SIZE',
    replace: 'const nextProducerId = firstProducerId',
    promise: 'no producer id is given out twice',
  },
  {
    name: 'fetch-timers-left',
    caughtBy: ['broker'],
    file: 'src/broker/fetch-purgatory.ts',
    find: '    waiter.timer.cancel()\n',
    replace: '',
    promise: 'nothing is left behind by clients that are gone',
  },
  {
    name: 'fetch-waits-left',
    caughtBy: ['broker'],
    file: 'src/broker/fetch-purgatory.ts',
    find: '      waiting?.delete(waiter)\n',
    replace: '',
    promise: 'a fetch that was answered waits no longer',
  },
  {
    name: 'session-says-nothing',
    caughtBy: ['broker'],
    file: 'src/apis/01-fetch.ts',
    find: '    sizeOf(answered.records) > 0 ||\n',
    replace: '',
    promise: 'an incremental fetch tells everything that is new',
  },
  {
    name: 'deletion-unwritten',
    caughtBy: ['log', 'broker'],
    file: 'src/storage/local/local-log-store.ts',
    find: '    log.deleteRecordsBefore(offset)\n    // Also when the log starts there already: it may not be written down yet, or could not be.\n    await this.#manager.checkpoint()\n',
    replace: '    log.deleteRecordsBefore(offset)\n',
    promise: 'a deletion is durable when it is answered',
  },
  {
    name: 'publish-waits-for-groups',
    caughtBy: ['broker'],
    file: 'src/server/odradek.ts',
    find: '      for (const { node } of this.#members.values()) node.onChange(image, previous)\n',
    replace:
      '      const gone = [...previous.topics.keys()].filter((name) => !image.topics.has(name))\n' +
      '      return Promise.all([...this.#members.values()].map(({ node }) => node.broker.groups.onTopicsDeleted(gone)))\n',
    promise: 'no two parts of the broker wait for each other',
  },
  {
    name: 'replies-overtake',
    caughtBy: ['broker'],
    file: 'src/server/reply-queue.ts',
    find: 'if (slot === this.#head) this.#encodeInTurn(encode)',
    replace: 'if (slot !== null) this.#encodeInTurn(encode)',
    promise: 'replies leave in the order of the requests',
  },
  {
    name: 'unstable-read',
    caughtBy: ['broker'],
    file: 'src/storage/local/log-reader.ts',
    find: "  return isolation === 'read_committed' ? log.lastStableOffset : log.highWatermark",
    replace: '  void isolation\n  return log.highWatermark',
    promise: 'nobody who reads committed records is given those of an open transaction',
  },
  {
    name: 'aborted-untold',
    caughtBy: ['broker'],
    file: 'src/apis/01-fetch.ts',
    find: '(result.abortedTransactions ?? [])',
    replace: '[]',
    promise: 'a reader is told which transactions were aborted',
  },
  {
    name: 'zombies-stay',
    caughtBy: ['broker'],
    file: 'src/coordinator/transaction/init-producer-id.ts',
    find: 'const epochs = { producerEpoch: producerEpoch + 1,',
    replace: 'const epochs = { producerEpoch,',
    promise: 'a producer shuts out the one before it',
  },
  {
    name: 'unfenced',
    caughtBy: ['broker'],
    file: 'src/coordinator/transaction/transaction-scope.ts',
    find: '{ producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch }',
    replace: '{ lastProducerEpoch: producerEpoch }',
    promise: 'who was shut out cannot end the transaction of its successor',
  },
  {
    name: 'markers-before-decision',
    caughtBy: ['broker'],
    file: 'src/coordinator/runtime.ts',
    find: '        if (outcome.notes.length > 0) lastWrite.notes.push(...outcome.notes)\n',
    replace: '        if (outcome.notes.length > 0) this.#observe(outcome.notes)\n',
    promise: 'no partition has a marker before the outcome is on the disk',
  },
  {
    name: 'decision-forgotten',
    caughtBy: ['broker'],
    file: 'src/coordinator/transaction/transaction-machine.ts',
    find: '      if (isPrepared(known.state)) noteEnding(scope, transactionalId, known)\n',
    replace: '',
    promise: 'what was decided before a crash is carried out after it',
  },
  {
    name: 'pending-offsets-count',
    caughtBy: ['broker'],
    file: 'src/coordinator/group/group-machine.ts',
    find: '      if (producer === null) {\n',
    replace: '      if (producer === null || producer.producerId >= 0) {\n',
    promise: 'offsets of an aborted transaction do not count',
  },
  {
    name: 'offsets-without-marker',
    caughtBy: ['broker'],
    file: 'src/coordinator/local-coordinator-log.ts',
    find: '  if (transactionEnd !== null) return [buildEndTransactionMarker({ ...transactionEnd, timestamp: nowMs })]\n',
    replace: '  if (transactionEnd !== null) return []\n',
    promise: 'offsets of a committed transaction survive a restart',
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
