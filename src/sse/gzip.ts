import { constants, crc32, deflateRawSync } from 'node:zlib'

/**
 * A piece of a gzip stream that depends on nothing before it: its bytes can stand in every stream of that coding. They
 * are deflated by themselves, and end at a byte boundary; the streams around them differ in their checksums alone.
 */
export interface Piece {
  readonly bytes: Buffer
  /** How long it is when it is inflated. */
  readonly length: number
  readonly crc: number
  /** What a checksum before it is multiplied with. */
  readonly shift: number
}

/** Begins a gzip stream: no name, no time, any operating system. See RFC 1952, section 2.3. */
export const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])

const OPTIONS = { finishFlush: constants.Z_SYNC_FLUSH }

/** What is small needs no larger window, and making one is most of the work. */
const SMALL = { size: 8_192, options: { ...OPTIONS, windowBits: 13, memLevel: 5 } }

/** Deflates data so that it stands by itself. */
export function pieceOf(data: string | Uint8Array): Piece {
  const raw = typeof data === 'string' ? Buffer.from(data) : data
  const bytes = deflateRawSync(raw, raw.length < SMALL.size ? SMALL.options : OPTIONS)
  return { bytes, length: raw.length, crc: crc32(raw), shift: shiftOf(raw.length) }
}

/** The checksum and length of what one stream has carried. */
export class Tally {
  #crc = 0
  #length = 0

  add({ length, crc, shift }: Piece): void {
    this.#crc = (multiply(shift, this.#crc) ^ crc) >>> 0
    this.#length = (this.#length + length) >>> 0
  }

  /** Ends the stream: an empty last block, the checksum and the length. */
  end(): Buffer {
    const tail = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    tail.writeUInt32LE(this.#crc, 2)
    tail.writeUInt32LE(this.#length, 6)
    return tail
  }
}

// A checksum is the remainder of a polynomial over GF(2). That of two texts is had from those of each: the first is
// multiplied with x to the number of bits of the second. As `crc32_combine_op` of zlib does it.

const POLYNOMIAL = 0xedb88320
const ONE = 0x80000000

function multiply(a: number, b: number): number {
  let product = 0
  let factor = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor
    factor = (factor & 1) === 0 ? factor >>> 1 : (factor >>> 1) ^ POLYNOMIAL
  }
  return product >>> 0
}

/** x to the power of eight times a number of bytes: squared for each bit of that number. */
function shiftOf(bytes: number): number {
  let product = ONE
  let power = 0x00800000
  for (let rest = bytes; rest > 0; rest >>>= 1) {
    if ((rest & 1) === 1) product = multiply(power, product)
    power = multiply(power, power)
  }
  return product
}
