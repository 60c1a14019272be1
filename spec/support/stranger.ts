import { connect } from 'node:net'
import { expect } from 'chai'

/** What somebody sends who means no good. */
export interface Attack {
  readonly bytes: Uint8Array | string
  /** What becomes of the connection then: it waits until the server closes it, ends its own side, or is cut. */
  readonly finish: 'wait' | 'end' | 'cut'
}

/** Sends bytes over a connection of their own; what came back until it was closed. */
export function attack(url: string, { bytes, finish }: Attack): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    const socket = connect(Number(port), hostname, () => {
      if (finish === 'end') socket.end(bytes)
      else socket.write(bytes, () => finish === 'cut' && socket.resetAndDestroy())
    })
    socket.setTimeout(15_000, () => {
      socket.destroy()
      reject(new Error(`The server neither answers nor closes: ${Buffer.from(bytes).toString().slice(0, 500)}`))
    })
    socket.on('data', piece => void pieces.push(piece))
    // A server that has said its piece may reset what is still being sent.
    socket.on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(pieces).toString()))
  })
}

/** The statuses of the answers in a text; fails if one tells of a fault of the server, or anything of its inside. */
export function harmless(text: string): number[] {
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(match => Number(match[1]))
  // 501 and 505 speak of the request; anything else of this kind would be a fault of the server.
  const faults = statuses.filter(status => status >= 500 && status !== 501 && status !== 505)
  expect(faults, text.slice(0, 1_000)).to.deep.equal([])
  expect(text).to.not.match(/node_modules|\.[jt]s:\d+|\n {4}at |ENOENT|EISDIR|ENOTDIR|\/tmp\/|"stack"/)
  return statuses
}

/** Everything that all objects, arrays and functions have: what an attack may have put there would show. */
export function prototypes(): unknown[] {
  return [Object, Array, Function, String, Number, Boolean].map(({ prototype }) => Reflect.ownKeys(prototype))
}
