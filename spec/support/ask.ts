/** What a URL answers, in one line: `200 {"id":"ada"}`. */
export async function ask(url: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url, init)
  return `${response.status} ${await response.text()}`
}

/** A request with a body of JSON. */
export function posting(body: unknown, method = 'POST'): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
