/** @file LLaVA's processor: one view a picture, its placeholder repeated for each image token. */

import { loadTokenizer } from '../../../inputs/text/tokenizer.ts'
import { loadChat } from '../chat.ts'
import type { Processor } from '../family.ts'
import { loadPictureProcessor } from '../picture-files.ts'
import { requireImageToken, splicePrompt } from '../sequence.ts'
import type { LlavaConfig } from './config.ts'
import { tokensPerView } from './model.ts'

/**
 * @throws FamilyError `family/special-token`, `family/no-processor`, `family/processor`,
 *   `family/view-size`; TextError and MediaError for what the files hold
 * @see specs/ar-vlms.md §1.4, §1.7
 */
export async function llavaProcessor(dir: string, config: LlavaConfig): Promise<Processor> {
  const tokenizer = await loadTokenizer(dir)
  requireImageToken(tokenizer, config.imageTokenId, dir)
  const chat = await loadChat(dir)
  const pixels = await loadPictureProcessor(dir, config.tower, config.vision.image)
  const tokens = tokensPerView(config)
  return {
    tokenizer,
    ...chat,
    prepare(prompt, images, options) {
      const rows = images.map((_, image) => Array.from({ length: tokens }, (_, i) => image * tokens + i))
      const at = { imageId: config.imageTokenId, maxLength: config.text.maxPositions }
      return {
        ...splicePrompt(tokenizer, prompt, rows, at, options),
        views: images.map((image) => pixels(image)),
      }
    },
  }
}
