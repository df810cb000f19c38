import { describe, expect, test } from 'vitest'
import { keyed } from '../../../inputs/data/item.ts'
import type { Task } from '../../../inputs/data/task.ts'
import { colours } from './colours.ts'
import { BASELINES, baselinesNamed } from './table.ts'

const picture = (name: string, colour: readonly number[]) => ({
  key: name,
  read: () => ({ width: 4, height: 4, data: Uint8Array.from({ length: 48 }, (_, i) => colour[i % 3]!) }),
})
const red = picture('red', [250, 0, 0])
const pink = picture('nearly red', [240, 10, 10])
const blue = picture('blue', [0, 0, 250])
const words = ['red', 'blue'].map((text) => keyed({ text }))
const ask = (image: typeof red, instruction?: string) => keyed({ instruction, image })

const task = (queries: readonly ReturnType<typeof keyed>[], candidates = words): Task => ({
  name: 'colours',
  metaTask: 'vqa',
  domain: 'out',
  shift: 'own',
  reason: 'a test',
  chance: 0.5,
  train: [],
  dev: [],
  test: queries.map((query, i) => ({
    id: String(i),
    query,
    candidates,
    positive: i % 2,
    cluster: query.key,
  })),
})
const asked = task([ask(red, 'Which colour?'), ask(blue, 'Which colour?')])
const bare = task([ask(red), ask(blue)])
const written = task([keyed({ text: 'fire' }), keyed({ text: 'sea' })])

const shown = (name: string, given: Task) => {
  const [baseline] = baselinesNamed([name])
  return baseline?.kind === 'seen' ? baseline.seen(given, 7)?.test.map(({ query }) => query) : undefined
}

describe('the model, shown a part of each query', () => {
  test('text-only: the words stay, the picture goes; nothing where either is absent', () => {
    expect(shown('text-only', asked)).toEqual([
      keyed({ instruction: 'Which colour?' }),
      keyed({ instruction: 'Which colour?' }),
    ])
    expect([shown('text-only', bare), shown('text-only', written)]).toEqual([undefined, undefined])
  })

  test('image-only: the picture stays; nothing where there are no words', () => {
    expect(shown('image-only', asked)?.map(({ key }) => key)).toEqual([ask(red).key, ask(blue).key])
    expect([shown('image-only', bare), shown('image-only', written)]).toEqual([undefined, undefined])
  })

  test('shuffled: every picture is another one', () => {
    expect(shown('shuffled', asked)?.map(({ image }) => image?.[0]?.key)).toEqual(['blue', 'red'])
    expect(shown('shuffled', written)).toBeUndefined()
  })
})

test('a colour histogram finds the colour, and takes pictures alone', async () => {
  const { maker, applies } = colours
  const { vectors } = await maker.embed(
    [red, pink, blue].map((image) => keyed({ image })),
    {},
  )
  const row = (i: number) => vectors.colours!.data.subarray(i * 512, (i + 1) * 512)
  const cosine = (i: number, j: number) => row(i).reduce((sum, value, at) => sum + value * row(j)[at]!, 0)
  expect([cosine(0, 0), cosine(0, 1), cosine(0, 2)]).toEqual([1, 1, 0])
  await expect(maker.embed(words, {})).rejects.toMatchObject({ code: 'benchmark/vectors' })
  expect([applies(asked), applies(task([ask(red)], [ask(pink), ask(blue)]))]).toEqual([false, true])
})

test('chance and majority are numbers of the task; names are told apart', () => {
  const numbers = BASELINES.flatMap((one) => (one.kind === 'number' ? [[one.name, one.of(asked)]] : []))
  expect(numbers).toEqual([
    ['chance', 0.5],
    ['majority', 0.5],
  ])
  expect(() => baselinesNamed(['pixel'])).toThrow(expect.objectContaining({ hint: 'Did you mean "pixels"?' }))
})
