import { binary, Controller, SSE } from 'okapi'

/** Bytes are sent as Base64. Nothing here waits, so a plain generator will do. */
@Controller()
export class Images {
  @SSE('/images')
  *images() {
    yield binary(Uint8Array.of(0x89, 0x50, 0x4e, 0x47)) // How a PNG begins.
  }
}
