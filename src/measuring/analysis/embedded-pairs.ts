/** @file Pictures and captions that come with the package, as pairs to analyse. */

import { shippedData } from '../../foundation/files/shipped.ts'
import { type KeyedItem, keyed } from '../../inputs/data/item.ts'
import { captionPair } from '../../inputs/scenes/caption-pairs.ts'
import { Drawing } from '../../inputs/scenes/drawing.ts'
import { INSTRUCTIONS } from '../../inputs/scenes/instructions.ts'
import { loadSheets, type Sheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld, type World } from '../../inputs/scenes/world.ts'

/** An image and its caption, as items of their own. */
export interface CaptionedImage {
  readonly image: KeyedItem
  readonly text: KeyedItem
  readonly caption: string
}

/** Captions are distinct, from contents that no training shows. */
export function captionedImages(
  { world, sheets }: { world: World; sheets: Sheets },
  { seed, count }: { seed: number; count: number },
): CaptionedImage[] {
  const found = new Map<string, CaptionedImage>()
  for (let index = 0; found.size < count; index++) {
    const { description, caption } = captionPair(world, seed, index, 'test')
    const image = new Drawing(description, sheets)
    if (!found.has(caption))
      found.set(caption, {
        caption,
        image: keyed({ instruction: INSTRUCTIONS.picture, image }),
        text: keyed({ text: caption }),
      })
  }
  return [...found.values()]
}

/** The same of the shipped pictures. @throws FileError `file/no-twins`, `file/not-shipped` */
export async function embeddedPairs(options: { seed: number; count: number }): Promise<CaptionedImage[]> {
  const data = shippedData()
  const world = await loadWorld(data, 'small')
  const sheets = await loadSheets(data, [...world.training, ...world.heldOut])
  return captionedImages({ world, sheets }, options)
}
