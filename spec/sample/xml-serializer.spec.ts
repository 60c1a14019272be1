import { expect } from 'chai'
import { XMLParser } from 'fast-xml-parser'
import { XmlSerializer } from '../../sample/xml-serializer.js'

describe('XmlSerializer', () => {
  const serializer = new XmlSerializer()

  it('makes an element of each property', () => {
    const xml = serializer.serialize({ update: { message: 'Hello World', time: '12:00' } })

    expect(xml).to.equal('<update><message>Hello World</message><time>12:00</time></update>')
  })

  it('escapes text, so that it comes out as it went in', () => {
    const data = { update: { message: `<b> & "quotes" ' ]]> </update>` } }

    const xml = serializer.serialize(data)

    expect(xml).to.not.contain('<b>')
    expect(new XMLParser().parse(xml)).to.deep.equal(data)
  })
})
