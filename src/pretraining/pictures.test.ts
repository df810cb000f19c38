import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { captionPair, loadSheets, loadWorld, type Sheets, type World } from '../scenes/index.ts'
import { drawBatch, patchContents, recolouringOf } from './pictures.ts'
import { PATCH_SIZE, PICTURE_SIZE } from './recipe.ts'

const DATA = fileURLToPath(new URL('../../data', import.meta.url))
const COLUMNS = PICTURE_SIZE / PATCH_SIZE

let world: World
let sheets: Sheets

beforeAll(async () => {
  world = await loadWorld(DATA, 'small')
  sheets = await loadSheets(DATA, world.training)
}, 120_000)

/** The colours of a patch of a picture. */
function coloursOf(picture: Uint8Array, patch: number): Set<string> {
  const [top, left] = [Math.floor(patch / COLUMNS) * PATCH_SIZE, (patch % COLUMNS) * PATCH_SIZE]
  const colours = new Set<string>()
  for (let y = top; y < top + PATCH_SIZE; y++) {
    for (let x = left; x < left + PATCH_SIZE; x++) {
      const at = (y * PICTURE_SIZE + x) * 3
      colours.add(picture.subarray(at, at + 3).join())
    }
  }
  return colours
}

describe('patch contents', () => {
  test('patches without a concept are bare background, those with one hardly ever', () => {
    let plain = 0
    let shown = 0
    for (let index = 0; index < 30; index++) {
      const { description } = captionPair(world, 4, index)
      const { data } = drawBatch([description], sheets)
      for (const [patch, content] of patchContents(description).entries()) {
        const bare = coloursOf(data, patch).size === 1
        if (content === undefined) expect(bare).toBe(true)
        else {
          shown++
          // A corner of a large drawing may be empty.
          if (bare) plain++
        }
      }
    }
    expect(plain / shown).toBeLessThan(0.15)
  })

  test('count the parts of a scene', () => {
    const pairs = Array.from({ length: 60 }, (_, index) => captionPair(world, 5, index).description)
    for (const { kind, parts, places } of pairs.filter(({ kind }) => kind === 'count' || kind === 'single')) {
      const concepts = new Set(patchContents({ kind, parts, places, background: 0, style: 0 }).flatMap((content) => content?.concept ?? []))
      expect([...concepts]).toEqual([parts[0]!.concept])
    }
  })
})

describe('recolouring', () => {
  const apply = (matrix: readonly number[], [r, g, b]: readonly [number, number, number]) =>
    [0, 3, 6].map((row) => matrix[row]! * r + matrix[row + 1]! * g + matrix[row + 2]! * b)

  test('angle 0 and full colour change nothing', () => {
    expect(apply(recolouringOf(0, 1), [0.2, 0.5, 0.9])).toBeAllClose([0.2, 0.5, 0.9], { atol: 1e-9 })
  })

  test('without colour all channels are the lightness', () => {
    const [r, g, b] = apply(recolouringOf(1.3, 0), [0.2, 0.5, 0.9])
    expect([g, b]).toBeAllClose([r!, r!], { atol: 1e-9 })
  })

  test('greys stay as they are at any angle', () => {
    expect(apply(recolouringOf(0.8, 1.2), [0.4, 0.4, 0.4])).toBeAllClose([0.4, 0.4, 0.4], { atol: 2e-3 })
  })

  test('a batch is recoloured where asked, picture by picture', () => {
    const descriptions = [0, 1].map((index) => captionPair(world, 6, index).description)
    const plain = drawBatch(descriptions, sheets)
    const half = drawBatch(descriptions, sheets, (at) => (at === 1 ? recolouringOf(0.8, 0.3) : undefined))
    const size = plain.data.length / 2
    expect(half.data.subarray(0, size)).toEqual(plain.data.subarray(0, size))
    expect(half.data.subarray(size)).not.toEqual(plain.data.subarray(size))
  })
})
