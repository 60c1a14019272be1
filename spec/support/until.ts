/** Waits for a condition that comes true soon. Fails after a generous while. */
export async function until(condition: () => boolean, milliseconds = 5_000): Promise<void> {
  const deadline = Date.now() + milliseconds
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`It did not come true in ${milliseconds} ms: ${condition}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}
