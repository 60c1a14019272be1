/**
 * Reads an event stream from the body of a `fetch`, which EventSource cannot do for a POST. Gives the type and the data
 * of each event; ids and reconnection times are left aside.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* readEvents(body) {
  let type = ''
  let data = []
  for await (const line of readLines(body)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)
    if (field === 'event') type = value
    else if (field === 'data') data.push(value)
    if (line !== '') continue
    if (data.length > 0) yield { type: type || 'message', data: data.join('\n') }
    type = ''
    data = []
  }
}

/** The lines of a body, which end with LF, CR or CRLF. A CR at the end of a chunk may be half of a CRLF: it waits. */
async function* readLines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value = '' } = await reader.read()
      const lines = (rest + value).split(done ? /\r\n|\r|\n/ : /\r\n|\r(?!$)|\n/)
      rest = lines.pop()
      yield* lines
      if (done) return
    }
  } finally {
    await reader.cancel()
  }
}
