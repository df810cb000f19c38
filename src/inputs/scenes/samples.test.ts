import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { shippedData } from '../../foundation/files/shipped.ts'
import { captionPair } from './caption-pairs.ts'
import { COLOURS } from './colours.ts'
import { draw } from './draw.ts'
import { plural } from './nouns.ts'
import type { Sample } from './sample.ts'
import { pretrainingSample } from './samples.ts'
import { isReserved } from './scene.ts'
import { loadSheets } from './sheets.ts'
import { holdsPhrase, loadWorld } from './world.ts'

const dataDir = shippedData()
const world = await loadWorld(dataDir, 'small')
const COUNT = 8000
const samples = Array.from({ length: COUNT }, (_, i) => pretrainingSample(world, 1, i))
const texts = Array.from({ length: 2000 }, (_, i) => pretrainingSample(world, 1, i, { kind: 'text' }))
const pairs = Array.from({ length: 2000 }, (_, i) => captionPair(world, 1, i))
const share = (from: readonly Sample[], accept: (sample: Sample) => boolean) =>
  from.filter(accept).length / from.length

describe('the training streams', () => {
  test('are the same on every machine', async () => {
    const sheets = await loadSheets(dataDir, world.training)
    const hash = createHash('sha256')
    for (const sample of samples.slice(0, 200))
      hash.update(JSON.stringify(sample)).update(draw(sample.description!, sheets))
    for (const item of [...texts.slice(0, 200), ...pairs.slice(0, 200)]) hash.update(JSON.stringify(item))
    expect(hash.digest('hex').slice(0, 16)).toMatchInlineSnapshot(`"e9b7d7cc85e0c701"`)
  })

  test('depend on seed and index, not on order', () => {
    expect(pretrainingSample(world, 1, 77)).toEqual(samples[77])
    expect(pretrainingSample(world, 2, 77)).not.toEqual(samples[77])
  })

  test.each([
    { kind: 'caption', expected: 0.3 },
    { kind: 'qa', expected: 0.3 },
    { kind: 'label', expected: 0.28 },
    { kind: 'tags', expected: 0.06 },
    { kind: 'group', expected: 0.06 },
  ])('hold $expected of kind $kind', ({ kind, expected }) => {
    expect(Math.abs(share(samples, (sample) => sample.kind === kind) - expected)).toBeLessThan(0.02)
  })

  test('show no held-out concept, no withheld drawing and no reserved content', () => {
    const known = new Set(world.training.map((concept) => concept.index))
    for (const { description } of [...samples, ...pairs]) {
      expect(description === null || isReserved(description)).toBe(false)
      for (const part of description?.parts ?? []) {
        expect(known.has(part.concept)).toBe(true)
        expect(world.all[part.concept]!.withheld).not.toBe(description!.style)
      }
    }
  })

  test('name no held-out concept', () => {
    const lines = new Set([...samples, ...texts].flatMap(({ prompt, answer }) => [prompt, answer]))
    for (const pair of pairs) for (const caption of [pair.caption, ...pair.hardCaptions]) lines.add(caption)
    const corpus = [...lines].map((line) => line.toLowerCase().replace(/[".,?]/g, ' ')).join(' \n ')
    expect(
      world.heldOut.filter((concept) => holdsPhrase(corpus, concept.label)).map((concept) => concept.label),
    ).toEqual([])
  })

  test('give the same prompt for the same kind of answer only', () => {
    const full = samples.filter((sample) => sample.prompt === 'Describe the image.')
    expect(full.length).toBeGreaterThan(500)
    expect(full.every((sample) => sample.answer.endsWith(' background'))).toBe(true)
  })

  test('answer yes as often as no, and each number as often', () => {
    const asked = samples.concat(
      Array.from({ length: 12_000 }, (_, i) => pretrainingSample(world, 3, i, { kind: 'qa' })),
    )
    const yesNo = asked.filter((sample) => sample.answer === 'yes' || sample.answer === 'no')
    expect(yesNo.length).toBeGreaterThan(3000)
    expect(Math.abs(share(yesNo, (sample) => sample.answer === 'yes') - 0.5)).toBeLessThan(0.02)
  })
})

const ofKind = (kind: 'reading' | 'shapes' | 'silhouette') =>
  Array.from({ length: 2000 }, (_, i) => pretrainingSample(world, 1, i, { kind }))

describe('reading', () => {
  const texts = ofKind('reading').map(({ prompt, answer }) => {
    expect(prompt).toBe('')
    const [, caption, rest] = /^An image shows (.*? background)\. (.*)\.$/.exec(answer)!
    return {
      caption: caption!,
      asked: rest!.split('. ').map((line) => /^(.*\?) (.*)$/.exec(line)!.slice(1) as [string, string]),
    }
  })

  test('holds the answers in its caption, wherever the question is not what kind of thing it is', () => {
    for (const { caption, asked } of texts) {
      for (const [question, answer] of asked) {
        if (/^(Is |What kind )/.test(question)) continue
        expect([answer, plural(answer)].some((word) => holdsPhrase(caption, word))).toBe(true)
      }
    }
  })

  test('tells which colour is whose: the words of the caption stand together', () => {
    const colours = texts.flatMap(({ caption, asked }) =>
      asked.flatMap(([question, answer]) => {
        const name = /^What colour is the (.*)\?$/.exec(question)?.[1]
        return name === undefined || name === 'background'
          ? []
          : [caption.includes(`${answer} ${name} shape`)]
      }),
    )
    expect(colours.length).toBeGreaterThan(1000)
    expect(colours.every(Boolean)).toBe(true)
  })

  test('two of five are lists of up to five shapes', () => {
    const shapes = texts.map(({ caption }) => caption.match(/ shape/g)?.length ?? 0)
    expect(Math.max(...shapes)).toBe(5)
    // Of listed shapes a quarter are two, beside the scenes of two shapes.
    expect(Math.abs(shapes.filter((count) => count > 2).length / texts.length - 0.3)).toBeLessThan(0.04)
  })
})

describe('shapes', () => {
  const asked = ofKind('shapes')

  test.each([
    { prompt: /^Name each shape/, share: 0.375, said: (name: string, colour: string) => `${name} ${colour}` },
    {
      prompt: /^Name each colour/,
      share: 0.375,
      said: (name: string, colour: string) => `${colour} ${name}`,
    },
    { prompt: /^Which shape is /, share: 0.25, said: (name: string) => name },
  ])('$share ask $prompt', ({ prompt, share: expected, said }) => {
    const found = asked.filter((sample) => prompt.test(sample.prompt))
    expect(Math.abs(found.length / asked.length - expected)).toBeLessThan(0.05)
    for (const { description, prompt: question, answer } of found) {
      const pairs = description!.parts.map(
        ({ concept, colour }) => [world.all[concept]!.label, COLOURS[colour!]!.name] as const,
      )
      const lines = pairs.map(([name, colour]) => said(name, colour))
      const right = question.startsWith('Which')
        ? [pairs.find(([, colour]) => question === `Which shape is ${colour}?`)![0]]
        : [lines.join(', '), [...lines].reverse().join(', ')]
      expect(right).toContain(answer)
    }
  })
})

describe('silhouettes', () => {
  test('are single things in another colour than the background, asked for by name', () => {
    for (const { description, prompt, answer } of ofKind('silhouette')) {
      const [part, more] = description!.parts
      expect(more).toBeUndefined()
      expect(part!.colour).not.toBe(description!.background)
      expect(part!.colour).toBeGreaterThanOrEqual(0)
      expect(prompt).toBe('What is in the picture?')
      expect(answer).toBe(world.all[part!.concept]!.label)
      expect(isReserved(description!)).toBe(false)
    }
  })
})

describe('caption pairs', () => {
  test('are half objects with a bare label, half scenes with hard captions', () => {
    const objects = pairs.filter((pair) => pair.hardCaptions.length === 0)
    expect(Math.abs(objects.length / pairs.length - 0.5)).toBeLessThan(0.04)
    expect(pairs.every((pair) => !pair.hardCaptions.includes(pair.caption))).toBe(true)
  })

  test('of the test side are reserved', () => {
    for (let i = 0; i < 100; i++) expect(isReserved(captionPair(world, 1, i, 'test').description)).toBe(true)
  })
})
