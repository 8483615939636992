import { describe, expect, it } from 'vitest'
import { batchSizeBytes } from '../../protocol/records/batch.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { allocateProducerIds } from '../../src/metadata/allocate-producer-ids.ts'
import { createTopics } from '../../src/metadata/create-topics.ts'
import type { LocalMetadata } from '../../src/metadata/local-metadata.ts'
import type { MetadataImage } from '../../src/metadata/metadata-image.ts'
import { DIRECTORY, formatted, newTopic, openMetadata, plain, topicDefaults } from './metadata-fixture.ts'

const defaults = topicDefaults()

function create(metadata: LocalMetadata, ...names: string[]) {
  return metadata.change((image) =>
    createTopics(
      image,
      names.map((name) => newTopic(name)),
      defaults,
      false,
    ),
  )
}

async function fresh(options: ConstructorParameters<typeof SimulatedFileSystem>[0] = {}) {
  const disk = await formatted(new SimulatedFileSystem(options))
  return { disk, metadata: await openMetadata(disk) }
}

function logFile(disk: SimulatedFileSystem): string {
  return `${DIRECTORY}/${disk
    .list(DIRECTORY)
    .filter((name) => name.endsWith('.log'))
    .at(-1)}`
}

describe('local metadata', () => {
  it('gives a fresh directory its feature levels and nothing else', async () => {
    const { disk, metadata } = await fresh()
    expect([...metadata.image.features]).toEqual([
      ['metadata.version', 30],
      ['transaction.version', 2],
    ])
    expect(metadata.image.topics.size).toBe(0)
    expect(metadata.image.clusterId).toBe('a-cluster')
    expect(disk.list(DIRECTORY)).toEqual(['00000000000000000000.log'])
  })

  it('has a created topic in the image when the change resolves, and after a restart', async () => {
    const { disk, metadata } = await fresh()
    const [created] = await create(metadata, 'a')
    expect(created).toMatchObject({ name: 'a', error: 0, numPartitions: 1 })
    expect(metadata.image.topics.get('a')!.id).toBe(created!.topicId)
    await metadata.close()
    const again = await openMetadata(disk)
    expect(plain(again.image, { epochs: false })).toEqual(plain(metadata.image, { epochs: false }))
  })

  it('trap 21: leader epochs rise with each start', async () => {
    const { disk, metadata } = await fresh()
    await create(metadata, 'a')
    expect(metadata.image.topics.get('a')!.partitions[0]!.leaderEpoch).toBe(0)
    await metadata.close()
    for (const expected of [1, 2, 3]) {
      const again = await openMetadata(disk)
      expect(again.image.topics.get('a')!.partitions[0]).toMatchObject({ leader: 1, leaderEpoch: expected })
      await again.close()
    }
  })

  it('trap 9: the offset of the image never goes back', async () => {
    const { disk, metadata } = await fresh()
    let last = metadata.image.offset
    await create(metadata, 'a')
    expect(metadata.image.offset).toBeGreaterThan(last)
    last = metadata.image.offset
    await metadata.close()
    for (let start = 0; start < 3; start++) {
      const again = await openMetadata(disk)
      expect(again.image.offset).toBeGreaterThan(last)
      last = again.image.offset
      await again.close()
    }
  })

  it('runs commands one after the other, each on what the one before made', async () => {
    const { metadata } = await fresh()
    const results = await Promise.all([create(metadata, 'a'), create(metadata, 'a', 'b'), create(metadata, 'b')])
    expect(results.map((topics) => topics.map(({ error }) => error))).toEqual([[0], [36, 0], [36]])
    expect([...metadata.image.topics.keys()].sort()).toEqual(['a', 'b'])
  })

  it('writes and syncs once for commands that wait together', async () => {
    const { disk, metadata } = await fresh()
    const before = { ...disk.operations }
    await Promise.all(Array.from({ length: 50 }, (_, index) => create(metadata, `topic-${index}`)))
    expect(disk.operations.sync - before.sync).toBe(1)
    expect(disk.operations.write - before.write).toBe(1)
    expect(metadata.image.topics.size).toBe(50)
  })

  it('does not sync when it is told to leave that to the operating system', async () => {
    const disk = await formatted(new SimulatedFileSystem())
    const metadata = await openMetadata(disk, { sync: false })
    const before = disk.operations.sync
    await create(metadata, 'a')
    expect(disk.operations.sync).toBe(before)
  })

  it('writes nothing for a command that changes nothing', async () => {
    const { disk, metadata } = await fresh()
    const before = disk.operations.write
    const { offset } = metadata.image
    expect(await metadata.change(() => ({ records: [], result: 'seen' }))).toBe('seen')
    expect(disk.operations.write).toBe(before)
    expect(metadata.image.offset).toBe(offset)
  })

  it('lets one command fail without the others', async () => {
    const { metadata } = await fresh()
    const failing = metadata.change(() => {
      throw new Error('cannot decide')
    })
    const others = [create(metadata, 'a'), create(metadata, 'b')]
    await expect(failing).rejects.toThrow('cannot decide')
    await Promise.all(others)
    expect(metadata.image.topics.size).toBe(2)
  })

  it('publishes an image only when every listener has taken it in', async () => {
    const { metadata } = await fresh()
    const seen: [number, number, number][] = []
    metadata.onChange(async (image, previous) => {
      await Promise.resolve()
      seen.push([previous.topics.size, image.topics.size, metadata.image.topics.size])
    })
    await create(metadata, 'a')
    await create(metadata, 'b')
    expect(seen).toEqual([
      [0, 1, 0],
      [1, 2, 1],
    ])
  })

  it('publishes what the log has even when a listener fails, and tells the others', async () => {
    const { disk, metadata } = await fresh()
    const seen: MetadataImage[] = []
    let failures = 1
    metadata.onChange(() => {
      if (failures-- > 0) throw new Error('cannot follow')
    })
    metadata.onChange((image) => void seen.push(image))
    await expect(create(metadata, 'a')).rejects.toThrow('cannot follow')
    expect(seen.map(({ topics }) => topics.has('a'))).toEqual([true])
    expect(metadata.image.topics.has('a')).toBe(true)
    expect((await create(metadata, 'a', 'b')).map(({ error }) => error)).toEqual([36, 0])
    await metadata.close()
    expect([...(await openMetadata(disk)).image.topics.keys()].sort()).toEqual(['a', 'b'])
  })

  it('rejects changes after it was closed', async () => {
    const { metadata } = await fresh()
    const last = create(metadata, 'a')
    await metadata.close()
    await last
    await expect(create(metadata, 'b')).rejects.toThrow('closed')
  })

  it('goes on after a full disk once there is room', async () => {
    const { disk, metadata } = await fresh()
    disk.faults.push({ operation: 'write', code: 'ENOSPC', path: '.log' })
    await expect(Promise.all([create(metadata, 'a'), create(metadata, 'b')])).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(metadata.image.topics.size).toBe(0)
    await create(metadata, 'c')
    await metadata.close()
    expect([...(await openMetadata(disk)).image.topics.keys()]).toEqual(['c'])
  })

  it('keeps no half of a record that a full disk cut off', async () => {
    const { disk, metadata } = await fresh()
    const size = disk.stat(logFile(disk))!.sizeBytes
    const crowded = new SimulatedFileSystem({ capacityBytes: size + 40 })
    await formatted(crowded)
    const tight = await openMetadata(crowded)
    await expect(create(tight, 'a')).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(crowded.stat(logFile(crowded))!.sizeBytes).toBe(size)
    await metadata.close()
  })

  it('accepts nothing more after a failed sync', async () => {
    const { disk, metadata } = await fresh()
    disk.faults.push({ operation: 'sync', code: 'EIO', path: '.log' })
    await expect(create(metadata, 'a')).rejects.toMatchObject({ code: 'EIO' })
    await expect(create(metadata, 'b')).rejects.toMatchObject({ code: 'EIO' })
    expect(metadata.image.topics.size).toBe(0)
  })

  it('never gives a producer id twice, across restarts', async () => {
    const { disk, metadata } = await fresh()
    const allocate = (from: LocalMetadata) => from.change((image) => allocateProducerIds(image, 1))
    const blocks = await Promise.all([allocate(metadata), allocate(metadata)])
    await metadata.close()
    const again = await openMetadata(disk)
    blocks.push(await allocate(again))
    expect(blocks.map(({ firstProducerId, count }) => [firstProducerId, count])).toEqual([
      [0, 1000],
      [1000, 1000],
      [2000, 1000],
    ])
  })
})

describe('metadata snapshot', () => {
  /** Enough settings to need a snapshot, twice over. */
  async function grow(metadata: LocalMetadata): Promise<void> {
    const names = Array.from({ length: 400 }, (_, index) => `a-topic-with-a-long-name-${'x'.repeat(200)}-${index}`)
    for (let round = 0; round < 60; round++) {
      const part = names.slice((round % 8) * 50, (round % 8) * 50 + 50)
      await metadata.change((image) => {
        const present = part.filter((name) => image.topics.has(name))
        if (present.length === 0)
          return createTopics(
            image,
            part.map((name) => newTopic(name, { numPartitions: 4 })),
            defaults,
            false,
          )
        const records = present.flatMap((name) =>
          ['retention.ms', 'segment.ms', 'flush.ms'].map((key) => ({
            type: 4,
            version: 0,
            value: { resourceType: 2, resourceName: name, name: key, value: String(round) },
          })),
        )
        return { records, result: [] }
      })
    }
  }

  it('takes the place of the log before it, and gives the same image', async () => {
    const { disk, metadata } = await fresh({ crashable: false })
    await grow(metadata)
    const files = disk.list(DIRECTORY)
    expect(files).toHaveLength(2)
    const [snapshot, log] = files
    expect(snapshot).toMatch(/^\d{20}-0000000001\.checkpoint$/)
    expect(log).toBe(`${snapshot!.slice(0, 20)}.log`)
    expect(Number(log!.slice(0, 20))).toBeGreaterThan(0)
    const total = files.reduce((sum, name) => sum + disk.stat(`${DIRECTORY}/${name}`)!.sizeBytes, 0)
    expect(total).toBeLessThan(6 * 1024 * 1024)
    await metadata.close()
    const again = await openMetadata(disk)
    expect(plain(again.image, { epochs: false })).toEqual(plain(metadata.image, { epochs: false }))
    expect(again.image.offset).toBeGreaterThan(metadata.image.offset)
    const epochs = [...again.image.topics.values()].map(({ partitions }) => partitions[0]!.leaderEpoch)
    expect(new Set(epochs)).toEqual(new Set([1]))
  })

  it('is tried again when it could not be written, and nothing is lost meanwhile', async () => {
    const { disk, metadata } = await fresh({ crashable: false })
    disk.faults.push({ operation: 'rename', code: 'EIO', path: '.checkpoint', times: 3 })
    await grow(metadata)
    expect(disk.faults).toEqual([])
    expect(disk.list(DIRECTORY).some((name) => name.endsWith('.checkpoint'))).toBe(true)
    await metadata.close()
    const again = await openMetadata(disk)
    expect(plain(again.image, { epochs: false })).toEqual(plain(metadata.image, { epochs: false }))
  })

  it('refuses to start from less than everything when the snapshot is damaged', async () => {
    const { disk, metadata } = await fresh({ crashable: false })
    await grow(metadata)
    await metadata.close()
    const snapshot = disk.list(DIRECTORY).find((name) => name.endsWith('.checkpoint'))!
    const file = disk.open(`${DIRECTORY}/${snapshot}`, 'write')
    file.writeSync([Buffer.from([1, 2, 3])], 1000)
    await expect(openMetadata(disk)).rejects.toThrow(/backup/)
  })
})

describe('metadata log', () => {
  it('cuts off an append that a crash interrupted', async () => {
    const { disk, metadata } = await fresh()
    await create(metadata, 'a')
    await metadata.close()
    const path = logFile(disk)
    const whole = disk.readFile(path)!
    const torn = disk.open(path, 'write')
    torn.writeSync([whole.subarray(0, 40)], whole.length)
    const again = await openMetadata(disk)
    expect([...again.image.topics.keys()]).toEqual(['a'])
    await create(again, 'b')
    await again.close()
    expect([...(await openMetadata(disk)).image.topics.keys()].sort()).toEqual(['a', 'b'])
  })

  it('ends at the first batch whose checksum is wrong', async () => {
    const { disk, metadata } = await fresh()
    await create(metadata, 'a')
    const beforeB = disk.stat(logFile(disk))!.sizeBytes
    await create(metadata, 'b')
    await metadata.close()
    const file = disk.open(logFile(disk), 'write')
    file.writeSync([Buffer.from('!')], beforeB + 80)
    const again = await openMetadata(disk)
    expect([...again.image.topics.keys()]).toEqual(['a'])
  })

  it('gives one command one batch, there whole or not at all', async () => {
    const { disk, metadata } = await fresh()
    const before = disk.stat(logFile(disk))!.sizeBytes
    await create(metadata, 'a', 'b', 'c')
    const bytes = disk.readFile(logFile(disk))!
    expect(before + batchSizeBytes(bytes, before)).toBe(bytes.length)
    await metadata.close()
  })

  it('refuses to start when metadata before the first file is missing', async () => {
    const { disk, metadata } = await fresh()
    await create(metadata, 'a')
    await metadata.close()
    disk.rename(logFile(disk), `${DIRECTORY}/00000000000000000007.log`)
    await expect(openMetadata(disk)).rejects.toThrow(/backup/)
  })
})
