import { expect } from 'chai'
import fastify from 'fastify'
import { DefinitionError } from 'okapi'
import { pathOf, templatesOf } from '../src/paths.js'

describe('pathOf', () => {
  it('joins the prefix of a controller and the path of a method with one slash', () => {
    const joined = [
      ['/prices', '/:symbol'],
      ['/prices/', '/:symbol'],
      ['/prices', '/'],
      ['/prices', ''],
      ['', ''],
      ['', '/'],
      ['/', '/a'],
      ['', '*'],
    ].map(([prefix = '', path = '']) => pathOf('here', prefix, path))

    expect(joined).to.deep.equal(['/prices/:symbol', '/prices/:symbol', '/prices', '/prices', '/', '/', '/a', '*'])
  })

  it('refuses a path that lacks its slash', () => {
    expect(() => pathOf('Prices.price', '', 'a')).to.throw(DefinitionError, "Prices.price: the path 'a' lacks")
  })
})

describe('templatesOf', () => {
  const told = (url: string) => templatesOf(url).map(({ path, names }) => [path, Object.fromEntries(names)])

  it('writes the names in a path in braces', () => {
    expect(told('/prices/:symbol')).to.deep.equal([['/prices/{symbol}', { symbol: undefined }]])
    expect(told('/:from-:to/x')).to.deep.equal([['/{from}-{to}/x', { from: undefined, to: undefined }]])
  })

  it('keeps the expression that a value matches', () => {
    expect(told('/:id(^\\d+$)/:name([a-z]{2}(x|y)).png')).to.deep.equal([
      ['/{id}/{name}.png', { id: '^\\d+$', name: '[a-z]{2}(x|y)' }],
    ])
  })

  it('knows the rest of a path, and a colon that is one', () => {
    expect(told('/files/*')).to.deep.equal([['/files/{wildcard}', { wildcard: undefined }]])
    expect(told('/a::b')).to.deep.equal([['/a:b', {}]])
  })

  it('makes two paths of one whose last name may be left out', () => {
    expect(told('/posts/:id?')).to.deep.equal([
      ['/posts', {}],
      ['/posts/{id}', { id: undefined }],
    ])
    expect(told('/:id?')).to.deep.equal([
      ['/', {}],
      ['/{id}', { id: undefined }],
    ])
  })

  it('reads a path as Fastify does', async () => {
    const app = fastify()
    const urls = ['/a/:id(^\\d+$)', '/b/:from-:to', '/c/*', '/d::e', '/f/:id?']
    for (const url of urls) app.get(url, ({ params }) => Object.keys(params as object))
    const filled = ['/a/1', '/b/1-2', '/c/x', '/d:e', '/f/1']

    for (const [index, url] of urls.entries()) {
      const names = [...(templatesOf(url).at(-1)?.names.keys() ?? [])].map(name => (name === 'wildcard' ? '*' : name))
      expect((await app.inject(filled[index] as string)).json(), url).to.deep.equal(names)
    }
    expect((await app.inject('/f')).statusCode).to.equal(200)
    await app.close()
  })
})
