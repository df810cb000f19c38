import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { draw } from './draw.ts'
import { plural } from './nouns.ts'
import { captionPair, pretrainingSample, type Sample } from './samples.ts'
import { isReserved } from './scene.ts'
import { loadSheets } from './sheets.ts'
import { holdsPhrase, loadWorld } from './world.ts'

const dataDir = fileURLToPath(new URL('../../data', import.meta.url))
const world = await loadWorld(dataDir, 'small')
const COUNT = 8000
const samples = Array.from({ length: COUNT }, (_, i) => pretrainingSample(world, 1, i))
const texts = Array.from({ length: 2000 }, (_, i) => pretrainingSample(world, 1, i, { kind: 'text' }))
const pairs = Array.from({ length: 2000 }, (_, i) => captionPair(world, 1, i))
const share = (from: readonly Sample[], accept: (sample: Sample) => boolean) => from.filter(accept).length / from.length

describe('the training streams', () => {
  test('are the same on every machine', async () => {
    const sheets = await loadSheets(dataDir, world.training)
    const hash = createHash('sha256')
    for (const sample of samples.slice(0, 200)) hash.update(JSON.stringify(sample)).update(draw(sample.description!, sheets))
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
    expect(world.heldOut.filter((concept) => holdsPhrase(corpus, concept.label)).map((concept) => concept.label)).toEqual([])
  })

  test('give the same prompt for the same kind of answer only', () => {
    const full = samples.filter((sample) => sample.prompt === 'Describe the image.')
    expect(full.length).toBeGreaterThan(500)
    expect(full.every((sample) => sample.answer.endsWith(' background'))).toBe(true)
  })

  test('answer yes as often as no, and each number as often', () => {
    const asked = samples.concat(Array.from({ length: 12_000 }, (_, i) => pretrainingSample(world, 3, i, { kind: 'qa' })))
    const yesNo = asked.filter((sample) => sample.answer === 'yes' || sample.answer === 'no')
    expect(yesNo.length).toBeGreaterThan(3000)
    expect(Math.abs(share(yesNo, (sample) => sample.answer === 'yes') - 0.5)).toBeLessThan(0.02)
  })
})

describe('reading', () => {
  const read = Array.from({ length: 2000 }, (_, i) => pretrainingSample(world, 1, i, { kind: 'reading' }))

  test('asks of a caption, which holds the answer wherever the question is not what kind of thing it is', () => {
    for (const { description, prompt, answer } of read) {
      expect(description).toBeNull()
      const [, caption, question] = /^An image shows (.* background)\. (.*\?)$/.exec(prompt)!
      if (/^(Is |What kind )/.test(question!)) continue
      expect([answer, plural(answer)].some((word) => holdsPhrase(caption!, word))).toBe(true)
    }
  })

  test('asks for the colour of a shape in a quarter and more', () => {
    const colour = share(read, ({ prompt }) => /What colour is the (?!background)/.test(prompt))
    expect(colour).toBeGreaterThan(0.25)
    expect(colour).toBeLessThan(0.32)
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
