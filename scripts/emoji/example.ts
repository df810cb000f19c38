/** @file The picture that README's commands embed: one thing of the embedded world, alone. */

import sharp from 'sharp'
import { COLOURS } from '../../src/inputs/scenes/colours.ts'
import { STYLES } from '../../src/inputs/scenes/concepts.ts'
import { draw } from '../../src/inputs/scenes/draw.ts'
import { PICTURE, single } from '../../src/inputs/scenes/scene.ts'
import { loadSheets } from '../../src/inputs/scenes/sheets.ts'
import { loadWorld } from '../../src/inputs/scenes/world.ts'

/** The horse fills three of the picture's four columns. */
const SIZE = (3 * PICTURE) / 4

/**
 * The picture as a PNG file.
 * @param directory holds concepts.json and the sheets
 */
export async function examplePicture(directory: string): Promise<Buffer> {
  const world = await loadWorld(directory, 'small')
  const horse = world.training.find(({ label }) => label === 'horse')!
  const sheets = await loadSheets(directory, [horse])
  const background = COLOURS.findIndex(({ name }) => name === 'yellow')
  const at = (PICTURE - SIZE) / 2
  const content = single(horse.index, STYLES.indexOf('painted'), background)
  const pixels = draw({ ...content, places: [{ x: at, y: at, size: SIZE }] }, sheets)
  return await sharp(pixels, { raw: { width: PICTURE, height: PICTURE, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer()
}
