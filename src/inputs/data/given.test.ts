import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { plainItem } from './given.ts'

/** As JavaScript calls it, whatever the types say. */
const plain = async (given: unknown) => await Reflect.apply(plainItem, undefined, [given])

test('a picture of a class keeps what its `read` needs', async () => {
  class Shade {
    readonly key = 'shade'
    readonly #level = 7
    read() {
      return { width: 1, height: 1, data: new Uint8Array(3).fill(this.#level) }
    }
  }
  const { image } = await plain({ image: new Shade() })
  expect(image.read().data).toEqual(Uint8Array.of(7, 7, 7))
})

describe('handy forms become plain ones', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  test.each([
    ['a text', 'a cat', { text: 'a cat' }],
    ['a path', { image: 'cat.png' }, { image: 'cat.png' }],
    ['a file: URL', { image: pathToFileURL('/a/cat.png') }, { image: '/a/cat.png' }],
    ['an address', { image: new URL('https://example.org/c.png') }, { image: 'https://example.org/c.png' }],
    ['a data: URL', { image: 'data:image/png;base64,AQID' }, { image: Buffer.from(bytes) }],
    ['a data: URL object', { image: new URL('data:image/png;base64,AQID') }, { image: Buffer.from(bytes) }],
    ['a Blob', { image: new Blob([bytes]) }, { image: bytes }],
    ['an ArrayBuffer', { image: bytes.slice().buffer }, { image: bytes }],
    ['several pictures', { image: ['a.png', new Blob([bytes])] }, { image: ['a.png', bytes] }],
    [
      'pixels of a canvas without alpha',
      { image: { width: 1, height: 1, data: Uint8ClampedArray.of(1, 2, 3) } },
      { image: { width: 1, height: 1, data: bytes } },
    ],
  ])('%s', async (_, given, expected) => {
    const { image, text } = await plain(given)
    expect({ ...(text !== undefined && { text }), ...(image !== undefined && { image }) }).toEqual(expected)
  })
})

describe('anything else is refused: what was expected, what was given', () => {
  test.each([
    ['null', null, /the item: expected a text, or an object.* got null/],
    ['another data: URL', { image: 'data:text/plain,cat' }, /image: expected a data URL that begins/],
    ['a number', 5, /got 5/],
    ['an array', ['a cat'], /got an array/],
    ['a misspelt key', { txt: 'a cat' }, /key "txt"/],
    ['an unknown key', { text: 'a cat', price: 5 }, /key "price"/],
    ['a text that is none', { text: 5 }, /text: expected a string, got 5/],
    ['null as text', { text: null }, /text: expected a string, got null/],
    ['null as picture', { image: null }, /image: expected .* got null/],
    ['a number among pictures', { image: ['a.png', 7] }, /image\[1\]: expected .* got 7/],
    ['an empty path', { image: '' }, /image: expected a path.* got ""/],
    [
      '16-bit pixels',
      { image: { width: 1, height: 1, data: new Uint16Array(3) } },
      /Uint8Array.*Uint16Array/,
    ],
    ['a width of zero', { image: { width: 0, height: 1, data: new Uint8Array() } }, /image\.width.* got 0/],
    [
      'a broken height',
      { image: { width: 1, height: 0.5, data: new Uint8Array() } },
      /image\.height.* got 0.5/,
    ],
    ['a size that is no number', { image: { width: '1', height: 1, data: new Uint8Array(3) } }, /got "1"/],
    ['a picture without a key', { image: { read: () => undefined } }, /image\.key: expected/],
    ['a picture that cannot be read', { image: { key: 'a', read: 5 } }, /image\.read: expected a function/],
  ])('%s', async (_, given, message) => {
    await expect(plain(given)).rejects.toMatchObject({ code: 'usage/option', exitCode: 2, message })
  })

  test('with a suggestion where a key is misspelt', async () => {
    await expect(plain({ imgae: 'cat.png' })).rejects.toMatchObject({ hint: 'Did you mean "image"?' })
  })
})
