import { expect, test } from 'vitest'
import { instructionEnd, itemText } from './prompt.ts'
import { sharedStart, spliceIds } from './sequence.ts'

const options = { imageId: 9, fillId: 9, maxLength: 10 }

test('rows take the place of placeholders', () => {
  expect(spliceIds([1, 9, 2, 3, 9], [[0, 1], [2]], options)).toEqual({
    inputIds: [1, 9, 9, 2, 3, 9],
    imageIndex: [-1, 0, 1, -1, -1, 2],
    spans: {
      text: [
        [0, 1],
        [3, 5],
      ],
      image: [
        [1, 3],
        [5, 6],
      ],
      tailStart: 0,
    },
  })
})

test.each([
  [2, 4],
  [4, 6],
])('the tail starts after %d instruction ids at position %d', (instructionIds, position) => {
  expect(spliceIds([9, 1, 2, 3, 4], [[0, 1, 2]], { ...options, instructionIds }).spans.tailStart).toBe(
    position,
  )
})

test('the reference cuts at the end, spans with it', () => {
  const cut = spliceIds([1, 9, 2], [[0, 1, 2]], { ...options, maxLength: 3, truncation: 'reference' })
  expect(cut).toEqual({
    inputIds: [1, 9, 9],
    imageIndex: [-1, 0, 1],
    spans: { text: [[0, 1]], image: [[1, 3]], tailStart: 0 },
  })
})

test('without pictures, an image token may be kept as a plain token', () => {
  expect(spliceIds([1, 9, 2], [], { ...options, stray: 'keep' })).toEqual({
    inputIds: [1, 9, 2],
    imageIndex: [-1, -1, -1],
    spans: { text: [[0, 3]], image: [], tailStart: 0 },
  })
})

test.each([
  ['beside a picture', [1, 9, 9], [[0]], options],
  ['that is no id of the vocabulary', [1, 9], [], { ...options, fillId: 0 }],
])('an image token %s is refused all the same', (_, ids, images, at) => {
  expect(() => spliceIds(ids, images, { ...at, stray: 'keep' })).toThrow(
    expect.objectContaining({ code: 'family/image-count' }),
  )
})

test.each([
  ['family/too-long', [1, 9, 2], [[0, 1, 2]], 3],
  ['family/image-count', [1, 2], [[0]], 10],
  ['family/image-count', [1, 9], [], 10],
  ['family/empty', [], [], 10],
])('%s', (code, ids, images, maxLength) => {
  expect(() => spliceIds(ids, images, { ...options, maxLength })).toThrow(expect.objectContaining({ code }))
})

test('instruction and text stand on a line each, and the end of the instruction is found', () => {
  const parts = { instruction: 'Find a cat.', text: 'black', images: 0 }
  expect(itemText(parts)).toBe('Find a cat.\nblack')
  expect(itemText({ text: 'black', images: 0 })).toBe('black')
  const prompt = 'USER: Find a cat.\nblack ASSISTANT:'
  expect(prompt.slice(instructionEnd(prompt, parts))).toBe('\nblack ASSISTANT:')
  expect(instructionEnd(prompt, { text: 'black', images: 0 })).toBe(0)
})

test.each([
  [[1, 2, 3], [1, 2, 4], 2],
  [[1, 2], [1, 2, 4], 2],
  [[], [1], 0],
])('%j and %j share %d ids', (a, b, count) => {
  expect(sharedStart(a, b)).toBe(count)
})
