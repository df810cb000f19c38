/** @file LLaVA-OneVision's processor: a picture in tiles, several in tiles or with one view. */

import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import { llavaOnevisionProcessor as pictureProcessor } from '../../../inputs/media/anyres-processors.ts'
import type { RgbImage } from '../../../inputs/media/image.ts'
import { loadTokenizer } from '../../../inputs/text/tokenizer.ts'
import { loadChat } from '../chat.ts'
import type { Processor } from '../family.ts'
import { tokensPerView } from '../llava/model.ts'
import { tileMap } from '../llava-next/packing.ts'
import { checkViewSize, loadProcessorConfig } from '../picture-files.ts'
import { reportedSizes, requireImageToken, splicePrompt } from '../sequence.ts'
import type { LlavaOnevisionConfig } from './config.ts'
import { boundedSize, Packing, packMap } from './packing.ts'

/**
 * @param several what becomes of the pictures of a prompt that has several: one view each, as
 *   transformers' processor does since 4.53, or tiles, as the one before it
 * @throws FamilyError `family/special-token`, `family/no-processor`, `family/view-size`; TextError
 *   and MediaError for what the files hold
 * @see specs/ar-vlms.md §2.4–2.6
 */
export async function llavaOnevisionProcessor(
  dir: string,
  config: LlavaOnevisionConfig,
  { several = 'whole' }: { several?: 'whole' | 'tiled' } = {},
): Promise<Processor> {
  const tokenizer = await loadTokenizer(dir)
  requireImageToken(tokenizer, config.imageTokenId, dir)
  const chat = await loadChat(dir)
  const pictures = pictureProcessor(await loadProcessorConfig(dir), config.grids)
  checkViewSize(dir, pictures.tile, config.vision.image)
  const { grids, tile } = pictures
  const tokens = tokensPerView(config)
  const side = Math.sqrt(tokens)

  /** Views of all pictures, and for each the packed rows that are its own. */
  function packed(images: readonly RgbImage[]): {
    views: Tensor<'f32'>[]
    rows: number[][]
    packing: Packing
  } {
    const tiled = images.length === 1 || several === 'tiled'
    const views = images.map((image) => (tiled ? pictures.tiled(image) : [pictures.whole(image)]))
    const newline = views.flat().length * tokens
    const packing = new Packing()
    let before = 0
    const rows = images.map((image, i) => {
      const [start, first] = [packing.length, before * tokens]
      before += views[i]!.length
      packing.add(range(first, first + tokens))
      const map = tiled ? tileMap(image, { grids, tile, side }) : undefined
      if (map === undefined) packing.add([newline])
      else {
        const placed = { ...map, rowAt: (y: number, x: number) => first + map.rowAt(y, x) }
        packMap(packing, placed, boundedSize(map, config.maxTiles, side), newline)
      }
      return range(start, packing.length)
    })
    return { views: views.flat(), rows, packing }
  }

  return {
    tokenizer,
    ...chat,
    prepare(prompt, images, options) {
      const { views, rows, packing } = packed(images)
      const at = { imageId: config.imageTokenId, maxLength: config.text.maxPositions }
      const visionFeeds = images.length === 0 ? undefined : packing.feeds()
      return {
        ...splicePrompt(tokenizer, prompt, rows, at, options),
        views,
        visionFeeds,
        reported: reportedSizes(images),
      }
    },
  }
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i)
}
