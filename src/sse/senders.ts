/** Those who have sent something, and wait until there is room for more. */
export class Senders {
  #waiting: Sender[] = []

  get size(): number {
    return this.#waiting.length
  }

  wait(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  resolve(): void {
    for (const sender of this.#waiting.splice(0)) sender.resolve()
  }

  reject(error: Error): void {
    for (const sender of this.#waiting.splice(0)) sender.reject(error)
  }
}

interface Sender {
  resolve(): void
  reject(error: Error): void
}
