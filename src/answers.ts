import type { FastifyReply } from 'fastify'

/** An answer that is HTML. Made by `html`. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/**
 * HTML with the values escaped: ``html`<h1>${title}</h1>` ``. Return it from a `@Get` method, or put it into another
 * `html`, where it stands as it is. An array stands item by item; `null`, `undefined` and `false` stand for nothing.
 *
 * Values are safe between tags and within quoted attributes; not within `<script>`, `<style>`, or attributes without
 * quotes. For a text that is HTML already, and safe, see `raw`. For more than a page, use a view.
 */
export function html(strings: TemplateStringsArray, ...values: unknown[]): Html {
  return new Html(strings.reduce((text, part, index) => text + escapeHtml(values[index - 1]) + part))
}

/** Text that is HTML already, to stand in `html` as it is. Never give it what a client sent. */
export function raw(text: string): Html {
  return new Html(text)
}

/** An answer rendered from a template by the app's view engine. Made by `view`. */
export class View {
  readonly template: string
  readonly data: object

  constructor(template: string, data: object) {
    this.template = template
    this.data = data
  }
}

/**
 * An answer rendered from a template: `return view('page', { title })`. Needs an engine: `createApp({ views })`, or
 * @fastify/view registered beside the plugin. Whether values are escaped is the engine's affair; Eta does it by default.
 */
export function view(template: string, data: object = {}): View {
  return new View(template, data)
}

/** Renders a view by the app's engine. */
export async function render(reply: FastifyReply, { template, data }: View): Promise<string> {
  const { viewAsync } = reply as { viewAsync?: (template: string, data: object) => Promise<string> }
  if (viewAsync === undefined)
    throw new Error(`There is no engine for the view ${template}: give createApp the option views`)
  return viewAsync.call(reply, template, data)
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escapeHtml(value: unknown): string {
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map(escapeHtml).join('')
  if (value === null || value === undefined || value === false) return ''
  return String(value).replace(/[&<>"']/g, character => entities[character] as string)
}
