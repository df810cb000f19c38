import { createHash } from 'node:crypto'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { shippedData } from '../../foundation/files/shipped.ts'
import { rmsDifference, thumbnail } from './area.ts'
import { BLOB, type Concept, GLOSSY, loadConcepts } from './concepts.ts'
import { CELL, loadSheets } from './sheets.ts'
import { holdsPhrase, loadWorld, makeWorld, type WorldName } from './world.ts'

const dataDir = shippedData()
const all = await loadConcepts(dataDir)
const worlds: { name: WorldName; training: number; heldOut: number; groups: number }[] = [
  { name: 'small', training: 204, heldOut: 52, groups: 5 },
  { name: 'full', training: 1130, heldOut: 288, groups: 8 },
]
const clusters = (concepts: readonly Concept[]) => new Set(concepts.map((concept) => concept.cluster))

describe.each(worlds)('the $name world', ({ name, ...sizes }) => {
  const world = makeWorld(all, name)

  test('has its size', () => {
    expect({
      training: world.training.length,
      heldOut: world.heldOut.length,
      groups: world.groups.length,
    }).toEqual(sizes)
  })

  test('has no cluster on both sides', () => {
    const known = clusters(world.training)
    expect(world.heldOut.filter((concept) => known.has(concept.cluster))).toEqual([])
  })

  test('names no held-out concept in a tag', () => {
    const tags = world.training.flatMap((concept) => concept.tags)
    const named = world.heldOut.filter((concept) => tags.some((tag) => holdsPhrase(tag, concept.label)))
    expect(named.map((concept) => concept.label)).toEqual([])
  })

  test('leaves out the withheld drawing in every style', () => {
    world.thingsByStyle.forEach((things, style) => {
      expect(things.every((concept) => concept.withheld !== style)).toBe(true)
      expect(things.length).toBeGreaterThan(world.things.length * 0.65)
    })
  })
})

describe('the small world', () => {
  const world = makeWorld(all, 'small')

  test('has one concept a cluster and labels of one or two words', () => {
    const chosen = [...world.training, ...world.heldOut]
    expect(clusters(chosen).size).toBe(chosen.length)
    expect(chosen.filter((concept) => concept.label.split(' ').length > 2)).toEqual([])
  })

  test('has no held-out label inside a training label', () => {
    const inside = world.heldOut.filter((concept) =>
      world.training.some((other) => holdsPhrase(other.label, concept.label)),
    )
    expect(inside).toEqual([])
  })

  test('does not depend on the order of the file', () => {
    const labels = (concepts: readonly Concept[]) => concepts.map((concept) => concept.label).sort()
    const reversed = makeWorld(
      [...all].reverse().map((concept, index) => ({ ...concept, index })),
      'small',
    )
    expect(labels(reversed.training)).toEqual(labels(world.training))
    expect(labels(reversed.heldOut)).toEqual(labels(world.heldOut))
  })

  test('chooses the concepts that the shipped weights were trained on', () => {
    const digest = createHash('sha256')
      .update(world.training.map((concept) => concept.hex).join())
      .digest('hex')
    expect(digest.slice(0, 16)).toMatchInlineSnapshot(`"961d63e15ebb041f"`)
  })
})

describe('the shipped files', () => {
  test('are those that were summed', async () => {
    const sums = (await readFile(`${dataDir}/SHA256SUMS`, 'utf8')).trim().split('\n')
    expect(sums.length).toBeGreaterThanOrEqual(14)
    for (const line of sums) {
      const [sum, file] = line.split('  ')
      expect(
        createHash('sha256')
          .update(await readFile(`${dataDir}/${file}`))
          .digest('hex'),
        file,
      ).toBe(sum)
    }
  })

  test('no held-out drawing is nearly a training drawing of its style', async () => {
    const sheets = await loadSheets(dataDir, all)
    for (const style of [0, 1, 2, 3]) {
      const side = (split: Concept['split']) =>
        all
          .filter((concept) => concept.split === split)
          .map((concept) => ({ concept, small: thumbnail(sheets.sprite(concept.index, style, CELL), CELL) }))
      const training = side('train')
      const near = side('held-out').flatMap(({ concept, small }) =>
        training
          .filter((other) => rmsDifference(small, other.small, 0.02) < 0.02)
          .map((other) => `${concept.label} / ${other.concept.label}`),
      )
      expect(near).toEqual([])
    }
  })

  test('every claimed drawing is there and every sheet knows its absent ones', async () => {
    const sheets = await loadSheets(dataDir, all)
    for (const concept of all) {
      for (const style of [
        0,
        1,
        2,
        3,
        ...(concept.glossy ? [GLOSSY] : []),
        ...(concept.blob ? [BLOB] : []),
      ]) {
        const drawn = sheets.sprite(concept.index, style, CELL).some((value, i) => i % 4 === 3 && value > 128)
        expect(drawn, `${concept.label} in style ${style}`).toBe(true)
      }
    }
    const absent = all.find((concept) => !concept.blob)!
    expect(() => sheets.sprite(absent.index, BLOB, CELL)).toThrowError(
      expect.objectContaining({ code: 'scenes/drawing-missing' }),
    )
  })

  test.each([
    ['absent', undefined, 'scenes/concepts-missing'],
    ['cut short', '[{"hex":"1f40', 'scenes/concepts-invalid'],
    ['of other fields', '[{"hex":"1f40d"}]', 'scenes/concepts-invalid'],
  ])('a concepts.json that is %s is an error with a hint', async (_, content, code) => {
    const folder = await mkdtemp(`${tmpdir()}/scenes-`)
    if (content !== undefined) await writeFile(`${folder}/concepts.json`, content)
    await expect(loadWorld(folder, 'small')).rejects.toMatchObject({
      code,
      exitCode: 3,
      hint: expect.stringContaining('bifocal-twins'),
    })
  })

  test('a broken sheet is an error with a hint', async () => {
    const folder = await mkdtemp(`${tmpdir()}/scenes-`)
    await expect(loadSheets(folder, all)).rejects.toMatchObject({
      code: 'scenes/sheet-unreadable',
      exitCode: 3,
    })
  })
})
