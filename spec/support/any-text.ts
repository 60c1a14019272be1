import fc from 'fast-check'

const awkward = [
  ...['\n', '\r', '\r\n', '\n\n', '\0', '\t', '\x7F', '\x85', '\u2028', '\u2029', '\uFEFF', '\uFFFD', ' ', ':', ': '],
  ...['\uD800', '\uDC00', '😀', 'é', 'a', 'data: x', 'id: 1', 'event: e', 'retry: 1', ': c', 'stream:', 'stream.end'],
]

/** Any string at all; often one made of what has a meaning in an event stream, or breaks text. */
export function anyText(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string({ unit: fc.constantFrom(...awkward), maxLength: 12 }),
    fc.string({ unit: 'binary' }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map(units => String.fromCharCode(...units)),
  )
}
