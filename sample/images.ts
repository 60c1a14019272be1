import { binary, Controller, Doc, Event, SSE } from 'okapi'

/** Bytes are sent as Base64. Nothing here waits, so a plain generator will do. */
@Controller()
export class Images {
  @Doc({ summary: 'Bytes as Base64, once' })
  @Event(Uint8Array, { contentType: 'image/png' })
  @SSE('/images')
  *images() {
    yield binary(Uint8Array.of(0x89, 0x50, 0x4e, 0x47)) // How a PNG begins.
  }
}
