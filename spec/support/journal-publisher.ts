import { LmdbJournal } from '../../src/topics/journals/lmdb.js'
import { Topics } from '../../src/topics/topics.js'

/**
 * A process that publishes to a journal without an end: bursts, and events that are waited for, of all lengths. Tells
 * of each event that is acknowledged.
 *
 * Started as `node journal-publisher.js <directory> <life>`.
 */
const [directory = '', life = ''] = process.argv.slice(2)
const topics = new Topics({
  journal: new LmdbJournal(directory),
  retention: topic => ({ count: topic === 'short' ? 20 : 1e9, bytes: 1e12, age: 1e12 }),
})

let made = 0
async function publish(topic: string, length: number): Promise<void> {
  const data = `${life}.${made++}.${'x'.repeat(length)}`
  const position = await topics.publish(topic, data)
  process.stdout.write(`${topic} ${position} ${data} acknowledged\n`)
}

for (let turn = 0; ; turn++) {
  await publish('long', turn % 5 ? 10 : 3000)
  await Promise.all(Array.from({ length: turn % 7 }, () => Promise.all([publish('long', 20), publish('short', turn)])))
  await publish('short', 1)
}
