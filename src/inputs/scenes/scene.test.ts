import { describe, expect, test } from 'vitest'
import { shippedData } from '../../foundation/files/shipped.ts'
import { stream } from '../../foundation/numeric/random.ts'
import { COLOURS } from './colours.ts'
import { draw } from './draw.ts'
import {
  type Content,
  contentKey,
  type Description,
  describe as describeScene,
  isReserved,
  PATCH,
  PICTURE,
  place,
  SCENE_KINDS,
  single,
} from './scene.ts'
import { loadSheets } from './sheets.ts'
import { captions, questions } from './texts.ts'
import { hardContents } from './variants.ts'
import { loadWorld } from './world.ts'

const dataDir = shippedData()
const world = await loadWorld(dataDir, 'small')
const sheets = await loadSheets(dataDir, [...world.training, ...world.heldOut])
const byLabel = (label: string) => world.training.find((concept) => concept.label === label)!.index
const scenes = (kind: Content['kind'], count = 300): Description[] =>
  Array.from({ length: count }, (_, i) =>
    describeScene(world, stream('scene test', kind, i), { use: 'train', kind }),
  )

describe.each(SCENE_KINDS.map((kind) => ({ kind })))('scenes of kind $kind', ({ kind }) => {
  const drawn = scenes(kind)

  test('cover whole patches, apart from each other, inside the picture', () => {
    for (const { parts, places } of drawn) {
      expect(places.length).toBe(parts.reduce((sum, part) => sum + part.count, 0))
      const patches = places.flatMap(({ x, y, size }) => {
        expect([x % PATCH, y % PATCH, size % PATCH]).toEqual([0, 0, 0])
        expect(Math.min(x, y) >= 0 && Math.max(x, y) + size <= PICTURE).toBe(true)
        const span = size / PATCH
        return Array.from(
          { length: span * span },
          (_, i) => `${x / PATCH + (i % span)},${y / PATCH + Math.floor(i / span)}`,
        )
      })
      expect(new Set(patches).size).toBe(patches.length)
    }
  })

  test('never show a withheld drawing or a reserved content in training', () => {
    for (const scene of drawn) {
      expect(isReserved(scene)).toBe(false)
      for (const part of scene.parts) expect(world.all[part.concept]!.withheld).not.toBe(scene.style)
    }
  })

  test('are only reserved contents in tests', () => {
    for (let i = 0; i < 50; i++)
      expect(isReserved(describeScene(world, stream('reserved', kind, i), { use: 'test', kind }))).toBe(true)
  })

  test('have hard negatives that read differently', () => {
    for (const [i, scene] of drawn.entries()) {
      const texts = [scene, ...hardContents(scene, world, stream('hard', i))].map(
        (content) => captions(content, world).background,
      )
      expect(new Set(texts).size).toBe(texts.length)
    }
  })
})

test('relations hold in the picture', () => {
  for (const { relation, places } of [...scenes('pair'), ...scenes('tinted')]) {
    const [a, b] = places
    const [dx, dy] = [b!.x - a!.x, b!.y - a!.y]
    expect(relation === 'left' ? dx > Math.abs(dy) : dy > Math.abs(dx)).toBe(true)
  }
})

test('silhouettes differ from each other and from the background in colour', () => {
  for (const { parts, background } of scenes('tinted'))
    expect(new Set([background, ...parts.map((part) => part.colour)]).size).toBe(3)
})

describe('captions and questions', () => {
  const dog = { concept: byLabel('dog'), count: 1 }
  const key = { concept: byLabel('key'), count: 1 }
  const cases: { content: Content; core: string; list: string; asked: string[] }[] = [
    {
      content: { kind: 'pair', background: 3, style: 0, parts: [dog, key], relation: 'left' },
      core: 'a dog to the left of a key',
      list: 'a dog and a key',
      asked: [
        'What is to the left of the key? dog',
        'What is to the right of the dog? key',
        'Is the key to the left of the dog? no',
      ],
    },
    {
      content: { kind: 'mixed', background: 3, style: 0, parts: [{ ...dog, count: 2 }, key] },
      core: 'two dogs and one key',
      list: 'dogs and a key',
      asked: ['How many dogs are there? two', 'How many keys are there? one'],
    },
    {
      content: {
        kind: 'tinted',
        background: 3,
        style: 0,
        parts: [
          { ...dog, colour: 4 },
          { ...key, colour: 0 },
        ],
        relation: 'above',
      },
      core: 'an orange dog shape above a white key shape',
      list: 'a dog shape and a key shape',
      asked: ['What colour is the dog? orange', 'Is the key orange? no', 'What is below the dog? key'],
    },
    {
      content: { kind: 'sizes', background: 3, style: 0, parts: [key, dog] },
      core: 'a big key and a small dog',
      list: 'a key and a dog',
      asked: ['Which is bigger, the dog or the key? key', 'Is the dog bigger than the key? no'],
    },
  ]
  test.each(cases)('of $core', ({ content, core, list, asked }) => {
    expect(captions(content, world)).toEqual({ core, list, background: `${core} on a red background` })
    const lines = questions(content, world).map(({ question, answer }) => `${question} ${answer}`)
    expect(lines).toEqual(
      expect.arrayContaining([...asked, 'What colour is the background? red', 'Is the background red? yes']),
    )
  })

  test('yes and no come in pairs', () => {
    for (const kind of SCENE_KINDS) {
      for (const scene of scenes(kind, 30)) {
        const answers = questions(scene, world)
          .filter((question) => question.type === 'yes-no')
          .map((question) => question.answer)
        expect(answers.filter((answer) => answer === 'yes').length * 2).toBe(answers.length)
      }
    }
  })
})

describe('drawing', () => {
  const dog = byLabel('dog')

  test('fills the background and blends the sprite where it stands', () => {
    const scene = { ...single(dog, 1, 3), places: [{ x: 24, y: 48, size: 48 }] }
    const picture = draw(scene, sheets)
    const sprite = sheets.sprite(dog, 1, 48)
    const red = COLOURS[3].rgb
    const expected = Uint8Array.from({ length: PICTURE * PICTURE * 3 }, (_, i) => {
      const [x, y, c] = [Math.floor(i / 3) % PICTURE, Math.floor(i / 3 / PICTURE), i % 3]
      if (x < 24 || x >= 72 || y < 48) return red[c]!
      const at = ((y - 48) * 48 + x - 24) * 4
      return sprite[at + c]! + Math.floor((red[c]! * (255 - sprite[at + 3]!) + 127) / 255)
    })
    expect(Buffer.from(picture).equals(Buffer.from(expected))).toBe(true)
    expect(new Set(picture).size).toBeGreaterThan(20)
  })

  test('silhouettes hold the two colours and their mixtures only', () => {
    const content: Content = {
      kind: 'tinted',
      background: 0,
      style: 0,
      parts: [{ concept: dog, count: 1, colour: 1 }],
      relation: 'left',
    }
    const picture = draw({ ...content, places: [{ x: 0, y: 0, size: 48 }] }, sheets)
    for (let i = 0; i < picture.length; i += 3)
      expect(picture[i]! === picture[i + 1]! && picture[i]! === picture[i + 2]!).toBe(true)
    expect(Math.min(...picture)).toBe(20)
  })

  test('two layouts are two pictures of one content', () => {
    const content = single(dog, 1, 3)
    const layouts = Array.from({ length: 20 }, (_, i) => place(content, stream('layout', i)))
    expect(new Set(layouts.map(contentKey)).size).toBe(1)
    expect(
      new Set(layouts.map((layout) => Buffer.from(draw(layout, sheets)).toString('base64'))).size,
    ).toBeGreaterThan(5)
  })
})

test('an impossible condition is an error, not an endless loop', () => {
  expect(() => describeScene(world, stream('none'), { use: 'train', accept: () => false })).toThrowError(
    expect.objectContaining({ code: 'scenes/no-scene' }),
  )
})
