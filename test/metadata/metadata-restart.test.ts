import { expect, it } from 'vitest'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { createTopics } from '../../src/metadata/create-topics.ts'
import { DIRECTORY, formatted, newTopic, openMetadata, topicDefaults } from './metadata-fixture.ts'

/** A disk that can be told to let no sync come to its end. */
function stubbornDisk() {
  const stubborn = { holds: false }
  const latency = async (operation: string) => {
    if (stubborn.holds && operation === 'sync') await new Promise<never>(() => {})
  }
  return { stubborn, disk: new SimulatedFileSystem({ latency }) }
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))
const defaults = topicDefaults()
const create = (name: string) => (image: Parameters<typeof createTopics>[0]) =>
  createTopics(image, [newTopic(name)], defaults, false)

it('a start after two that never got their first write to the disk', async () => {
  for (let seed = 0; seed < 200; seed++) {
    const { stubborn, disk } = stubbornDisk()
    const first = await openMetadata(await formatted(disk))
    await first.change(create('kept'))
    stubborn.holds = true
    void openMetadata(disk.kill())
    const killed = disk.kill()
    void openMetadata(killed)
    await turn()
    const second = killed.kill()
    void openMetadata(second)
    await turn()
    stubborn.holds = false
    const { image } = await openMetadata(second.crash(seed))
    expect([...image.topics.keys()], `seed ${seed}`).toEqual(['kept'])
  }
})

it('a topic that a start found in the page cache survives a power cut once it was seen', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const { stubborn, disk } = stubbornDisk()
    const first = await openMetadata(await formatted(disk))
    stubborn.holds = true
    void first.change(create('t'))
    await turn()
    stubborn.holds = false
    const second = disk.kill()
    expect([...(await openMetadata(second)).image.topics.keys()]).toEqual(['t'])
    const { image } = await openMetadata(second.crash(seed))
    expect([...image.topics.keys()], `seed ${seed}`).toEqual(['t'])
  }
})

it('a log whose name a killed start left in the page cache survives a power cut', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const { stubborn, disk } = stubbornDisk()
    await formatted(disk)
    stubborn.holds = true
    void openMetadata(disk)
    await turn()
    stubborn.holds = false
    const killed = disk.kill()
    expect(killed.list(DIRECTORY)).toHaveLength(1)
    await (await openMetadata(killed)).change(create('t'))
    const { image } = await openMetadata(killed.crash(seed))
    expect([...image.topics.keys()], `seed ${seed}`).toEqual(['t'])
  }
})
