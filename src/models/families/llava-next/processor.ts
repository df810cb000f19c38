/**
 * @file LLaVA-NeXT's processor: a thumbnail and the tiles of the best grid, a token each of what
 * shows the picture.
 */

import { llavaNextProcessor as pictureProcessor } from '../../../inputs/media/anyres-processors.ts'
import { loadTokenizer } from '../../../inputs/text/tokenizer.ts'
import { loadChat } from '../chat.ts'
import type { Processor } from '../family.ts'
import { tokensPerView } from '../llava/model.ts'
import { checkViewSize, loadProcessorConfig } from '../picture-files.ts'
import { reportedSizes, requireImageToken, splicePrompt } from '../sequence.ts'
import type { LlavaNextConfig } from './config.ts'
import { packedRows, tileMap } from './packing.ts'

/**
 * @throws FamilyError `family/special-token`, `family/no-processor`, `family/view-size`; TextError
 *   and MediaError for what the files hold
 * @see specs/ar-vlms.md §1.5–1.7
 */
export async function llavaNextProcessor(dir: string, config: LlavaNextConfig): Promise<Processor> {
  const tokenizer = await loadTokenizer(dir)
  requireImageToken(tokenizer, config.imageTokenId, dir)
  const chat = await loadChat(dir)
  const pictures = pictureProcessor(await loadProcessorConfig(dir), config.grids)
  checkViewSize(dir, pictures.tile, config.vision.image)
  const { grids, tile } = pictures
  const tokens = tokensPerView(config)
  return {
    tokenizer,
    ...chat,
    prepare(prompt, images, options) {
      const views = images.map((image) => pictures.tiled(image))
      const newline = views.flat().length * tokens
      let first = 0
      const rows = images.map((image, i) => {
        const start = first
        first += views[i]!.length * tokens
        const own = packedRows(
          tileMap(image, { grids, tile, side: Math.sqrt(tokens) }),
          tokens,
          newline - start,
        )
        return own.map((row) => start + row)
      })
      const at = { imageId: config.imageTokenId, maxLength: config.text.maxPositions }
      return {
        ...splicePrompt(tokenizer, prompt, rows, at, options),
        views: views.flat(),
        reported: reportedSizes(images),
      }
    },
  }
}
