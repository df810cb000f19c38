import { beforeAll, describe, expect, test } from 'vitest'
import { shippedData } from '../../foundation/files/shipped.ts'
import { captionPair } from '../../inputs/scenes/caption-pairs.ts'
import { loadSheets, type Sheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld, type World } from '../../inputs/scenes/world.ts'
import { drawBatch, patchContents } from './pictures.ts'
import { PATCH_SIZE, PICTURE_SIZE } from './recipe.ts'

const DATA = shippedData()
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
      const concepts = new Set(
        patchContents({ kind, parts, places, background: 0, style: 0 }).flatMap(
          (content) => content?.concept ?? [],
        ),
      )
      expect([...concepts]).toEqual([parts[0]!.concept])
    }
  })
})
