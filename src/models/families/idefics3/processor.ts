/**
 * @file Idefics3's and SmolVLM's processor: a picture split into tiles and its whole, each view
 * announced in words.
 */

import { splitProcessor } from '../../../inputs/media/split-processor.ts'
import { loadTokenizer } from '../../../inputs/text/tokenizer.ts'
import { loadChat } from '../chat.ts'
import type { Processor } from '../family.ts'
import { checkViewSize, loadProcessorConfig } from '../picture-files.ts'
import { requireImageToken, splicePrompt } from '../sequence.ts'
import { type Idefics3Config, tokensPerView } from './config.ts'
import { checkPlaceholders, expandPrompt } from './prompt.ts'

/**
 * @throws FamilyError `family/special-token`, `family/no-processor`, `family/view-size`; TextError
 *   and MediaError for what the files hold
 * @see specs/ar-vlms.md §5.5, §5.6
 */
export async function idefics3Processor(dir: string, config: Idefics3Config): Promise<Processor> {
  const tokenizer = await loadTokenizer(dir)
  requireImageToken(tokenizer, config.imageTokenId, dir)
  const chat = await loadChat(dir)
  const pictures = splitProcessor(await loadProcessorConfig(dir))
  checkViewSize(dir, pictures.tile, config.vision.image)
  const tokens = tokensPerView(config)
  return {
    tokenizer,
    ...chat,
    prepare(prompt, images, { instructionEnd = 0, ...options } = {}) {
      if (images.length > 0 || options.stray !== 'keep') checkPlaceholders(prompt, images.length)
      const split = images.map((image) => pictures.split(image))
      const views = split.flatMap((picture) => picture.views)
      const rows = views.map((_, view) => Array.from({ length: tokens }, (_, i) => view * tokens + i))
      const expandedEnd = expandPrompt(prompt.slice(0, instructionEnd), split).length
      const at = { imageId: config.imageTokenId, maxLength: config.text.maxPositions }
      const expanded = expandPrompt(prompt, split)
      return {
        ...splicePrompt(tokenizer, expanded, rows, at, { ...options, instructionEnd: expandedEnd }),
        views,
      }
    },
  }
}
