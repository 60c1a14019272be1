/**
 * The key of a stored event: the topic, a zero byte, then the sequence (6 bytes), the time (6 bytes) and the length in
 * characters (4 bytes), big-endian. So the events of a topic lie together in their order, and what retention asks of an
 * event is answered by its key.
 */

const TAIL = 16
const TIME = 10
const LENGTH = 4

/** A stored event, without its text. */
export interface StoredKey {
  readonly key: Buffer
  readonly sequence: number
  readonly at: number
  readonly length: number
}

/** What the keys of a topic begin with. Names are printable ASCII: none holds a zero byte. */
export function prefixOf(topic: string): Buffer {
  return Buffer.from(`${topic}\0`, 'latin1')
}

/** Without time and length it comes before the event of that sequence, and behind the one before. */
export function keyOf(prefix: Buffer, sequence: number, at = 0, length = 0): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + TAIL)
  prefix.copy(key)
  key.writeUIntBE(sequence, prefix.length, 6)
  key.writeUIntBE(at, key.length - TIME, 6)
  key.writeUInt32BE(length, key.length - LENGTH)
  return key
}

export function readKey(key: Buffer): StoredKey {
  return {
    key,
    sequence: key.readUIntBE(key.length - TAIL, 6),
    at: key.readUIntBE(key.length - TIME, 6),
    length: key.readUInt32BE(key.length - LENGTH),
  }
}
