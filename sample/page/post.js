/** Posts JSON. Fails with words for the reader: where nobody answers, and where the server refuses. */
export async function post(url, body, signal) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal }).catch(error => {
    throw signal?.aborted ? error : new Error('The server cannot be reached. Is it running?')
  })
  if (!response.ok) throw new Error(await reasonOf(response))
  return response
}

/** Why the server refused: errors are answered as problem details, with every issue of the body in them. */
async function reasonOf(response) {
  const { title, detail, errors = [] } = await response.json().catch(() => ({}))
  if (errors.length > 0) return errors.map(issue => issue.detail).join(', ')
  return detail ?? title ?? `The server answered ${response.status}.`
}
