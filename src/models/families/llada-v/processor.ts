/**
 * @file LLaDA-V's pictures: one in tiles, several with one view each, nothing pooled. Prompt and
 * splicing are LaViDa's.
 * @see specs/lavida.md §10.3
 */

import type { RgbImage } from '../../../inputs/media/image.ts'
import type { Processor } from '../family.ts'
import { tokenSide } from '../lavida/config.ts'
import { type PictureLayout, splicingProcessor } from '../lavida/processor.ts'
import type { LavidaSettings } from '../lavida/settings.ts'
import { lavidaViews } from '../lavida/views.ts'
import { tileMap } from '../llava-next/packing.ts'
import { boundedSize, Packing, packMap } from '../llava-onevision/packing.ts'
import type { LladaVConfig } from './config.ts'

/** @throws TextError for what the folder's files hold */
export function lladaVProcessor(dir: string, config: LladaVConfig): Promise<Processor<LavidaSettings>> {
  return splicingProcessor(dir, { maxLength: config.maxLength, place: (images) => placed(images, config) })
}

/**
 * The views of all pictures, and the packed rows that are each one's own: the whole view, then the
 * map or one newline.
 */
export function placed(
  images: readonly RgbImage[],
  config: LladaVConfig,
): ReturnType<PictureLayout['place']> {
  const tiled = images.length === 1 && config.aspect === 'anyres'
  const aspect = tiled || config.aspect !== 'anyres' ? config.aspect : 'pad'
  const views = images.flatMap((image) => lavidaViews(image, { ...config, aspect }))
  const side = tokenSide(config)
  const tokens = side ** 2
  const newline = views.length * tokens
  const packing = new Packing()
  const rows = images.map((image, i) => {
    const start = packing.length
    packing.add(range(i * tokens, (i + 1) * tokens))
    if (tiled) {
      const map = tileMap(image, {
        grids: config.grids,
        tile: config.vision.image,
        side,
        rounding: 'truncate',
      })
      packMap(packing, map, boundedSize(map, config.maxTiles, side), newline)
    } else packing.add([newline])
    return range(start, packing.length)
  })
  return { views, rows, visionFeeds: images.length === 0 ? undefined : packing.feeds() }
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i)
}
