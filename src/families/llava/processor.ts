/** @file LLaVA's processor: one view a picture, its placeholder repeated for each image token. */

import { loadChatTemplate } from '../../text/chat-template.ts'
import { loadTokenizer } from '../../text/tokenizer.ts'
import { FamilyError } from '../errors.ts'
import type { Processor } from '../family.ts'
import { loadPictureProcessor } from '../picture-files.ts'
import { instructionEnd, itemText } from '../prompt.ts'
import { sharedStart, spliceIds } from '../sequence.ts'
import type { LlavaConfig } from './config.ts'
import { tokensPerView } from './model.ts'

/**
 * @throws FamilyError `family/no-processor`, `family/processor`; TextError and MediaError for what the files hold
 * @see specs/ar-vlms.md §1.4, §1.7
 */
export async function llavaProcessor(dir: string, config: LlavaConfig): Promise<Processor> {
  const tokenizer = await loadTokenizer(dir)
  const template = await loadChatTemplate(dir)
  const pixels = await loadPictureProcessor(dir, config.tower)
  const tokens = tokensPerView(config)
  const render: Processor['render'] = (messages) => {
    if (template !== undefined) return template.render(messages)
    throw new FamilyError('no-template', { message: `${dir} has no chat template`, hint: 'Give the finished prompt instead of messages.' })
  }
  return {
    tokenizer,
    render,
    prompt(parts) {
      const placeholders = Array.from({ length: parts.images }, () => ({ type: 'image' as const }))
      const prompt = render([{ role: 'user', content: [...placeholders, { type: 'text', text: itemText(parts) }] }])
      return { prompt, instructionEnd: instructionEnd(prompt, parts) }
    },
    prepare(prompt, images, { instructionEnd: end = 0, appendIds = [], truncation } = {}) {
      // Tokenised once, then the placeholder's id is repeated: added tokens split the text, so this equals repeating the string.
      const ids = [...tokenizer.encode(prompt), ...appendIds]
      const rows = images.map((_, image) => Array.from({ length: tokens }, (_, i) => image * tokens + i))
      const spliced = spliceIds(ids, rows, {
        imageId: config.imageTokenId,
        fillId: config.imageTokenId,
        maxLength: config.text.maxPositions,
        truncation,
        instructionIds: end === 0 ? 0 : sharedStart(ids, tokenizer.encode(prompt.slice(0, end))),
      })
      return { ...spliced, views: images.map((image) => pixels(image)) }
    },
  }
}
