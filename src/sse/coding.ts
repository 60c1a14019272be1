import * as zlib from 'node:zlib'

/** How a stream may be compressed. `zstd` needs a Node.js that has it: 22.15, 23.8 or later. */
export type Coding = 'br' | 'gzip' | 'zstd'

/** A compressor of `node:zlib`. */
export type Compressor = zlib.BrotliCompress

const MAKERS = { gzip: 'createGzip', zstd: 'createZstdCompress', br: 'createBrotliCompress' } as const

/** What this Node.js has. First what takes the least memory for what it saves of small batches. */
export const CODINGS: readonly Coding[] = (['gzip', 'zstd', 'br'] as const).filter(one => MAKERS[one] in zlib)

/**
 * The coding that a client prefers among those that are offered, which stand in the order of the server. Nothing if it
 * wants none of them: see RFC 9110, section 12.5.3.
 */
export function codingFor(accept: unknown, offered: readonly Coding[]): Coding | undefined {
  if (typeof accept !== 'string') return undefined
  const weights = new Map<string, number>()
  for (const part of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map(one => one.trim())
    const weight = parameters.find(one => one.startsWith('q='))
    weights.set(name === 'x-gzip' ? 'gzip' : name, weight === undefined ? 1 : Number(weight.slice(2)))
  }
  let best: Coding | undefined
  let most = 0
  for (const coding of offered) {
    const weight = weights.get(coding) ?? weights.get('*') ?? 0
    if (weight > most) [best, most] = [coding, weight]
  }
  return most < (weights.get('identity') ?? 0) ? undefined : best
}

/** How much of what was sent a compressor looks back at, as the power of two: 8 KiB. */
const WINDOW = 13

// The types are those of the oldest Node.js, which has no zstd.
const constants = zlib.constants as typeof zlib.constants & Record<ZstdConstant, number>

type ZstdConstant = `ZSTD_${'e_flush' | 'c_compressionLevel' | 'c_windowLog' | 'c_hashLog' | 'c_chainLog'}`

const OPTIONS = {
  gzip: { chunkSize: 4_096, flush: constants.Z_SYNC_FLUSH, windowBits: WINDOW, memLevel: 5 },
  zstd: {
    chunkSize: 4_096,
    flush: constants.ZSTD_e_flush,
    params: {
      [constants.ZSTD_c_compressionLevel]: 1,
      [constants.ZSTD_c_windowLog]: WINDOW,
      [constants.ZSTD_c_hashLog]: 12,
      [constants.ZSTD_c_chainLog]: 12,
    },
  },
  br: {
    chunkSize: 4_096,
    flush: constants.BROTLI_OPERATION_FLUSH,
    params: {
      [constants.BROTLI_PARAM_LGWIN]: WINDOW,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: 4,
    },
  },
}

/** A compressor that gives what it was given with each write, so that the client can read it. */
export function compressorFor(coding: Coding): Compressor {
  const makers = zlib as unknown as Record<string, (options: object) => Compressor>
  return (makers[MAKERS[coding]] as (options: object) => Compressor)(OPTIONS[coding])
}
