/** What each of two files does that run at the same time: the same names, and resets while the other is at work. */
export function everySample({ broker, expect, test, address }) {
  /** Of both workers, whatever their prefixes are. */
  const topicsNamed = async (name) => {
    const { topics } = await broker.request('GET', '/topics')
    return topics.filter((topic) => topic.name.endsWith(`-${name}`)).length
  }
  const bothHave = async (name) => {
    while ((await topicsNamed(name)) < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  test('files that run at the same time do not meet', async () => {
    expect(address).toEqual({ bootstrapServers: broker.bootstrapServers, httpUrl: broker.httpUrl })
    expect(process.env.KAFKA_BROKERS).toBe(broker.bootstrapServers)
    expect(broker.bootstrapServers.split(',')).toHaveLength(2)
    console.log(`brokers: ${broker.bootstrapServers}`)
    await broker.createTopics(['met'])
    await bothHave('met')
    for (let round = 0; round < 20; round++) {
      await broker.createTopics(['shared'])
      expect(await broker.messages('shared')).toEqual([])
      await broker.reset()
      await expect(broker.messages('shared')).rejects.toThrow(`there is no topic ${broker.topic('shared')}`)
    }
    await broker.createTopics(['done'])
    await bothHave('done')
  })
}
