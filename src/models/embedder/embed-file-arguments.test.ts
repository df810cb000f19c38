import { expect, test } from 'vitest'
import { shipped } from '../../foundation/files/shipped.ts'
import { openItems } from '../../inputs/data/source.ts'
import { embedFile } from './embed-file.ts'
import { Embedder } from './embedder.ts'

test('a list of items is no source: embedFile says what to call', async () => {
  await using embedder = await Embedder.load(shipped('twin-ar'))
  const call = async () =>
    await Reflect.apply(embedFile, undefined, [embedder, ['a'], { out: 'never-written.npy' }])
  await expect(call()).rejects.toMatchObject({
    code: 'usage/option',
    message: /expected a source of items, got an array/,
  })
})

test.each([[undefined], [''], [5]])('openItems(%j) is told what it takes', async (path) => {
  await expect(Reflect.apply(openItems, undefined, [path])).rejects.toMatchObject({
    code: 'usage/option',
    message: /expected the path of a file or folder/,
  })
})
