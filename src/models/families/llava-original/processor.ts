/**
 * @file From prompt and pictures to arrays as the authors' code does it: checkpoints have no file
 * for either.
 * @see specs/ar-vlms.md §1.4, §1.7
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Colour } from '../../../inputs/media/image.ts'
import { padToSquare } from '../../../inputs/media/pad.ts'
import { clipProcessor, type ImageProcessor } from '../../../inputs/media/processors.ts'
import { loadChatTemplate } from '../../../inputs/text/chat-template.ts'
import { loadTokenizer } from '../../../inputs/text/tokenizer.ts'
import { loadChat } from '../chat.ts'
import type { Processor, PromptParts } from '../family.ts'
import { IMAGE_ID, PLACEHOLDER, promptIds } from '../lavida/prompt.ts'
import { tokensPerView } from '../llava/model.ts'
import { loadPictureProcessor } from '../picture-files.ts'
import { instructionEnd, itemText } from '../prompt.ts'
import { checkLength, lengthWithin, sharedStart, spliceIds } from '../sequence.ts'
import type { LlavaOriginalConfig } from './config.ts'

/** CLIP's mean as whole levels, cut: `int(255 · mean)`. */
const MEAN_COLOUR: Colour = [122, 116, 104]

/** @throws FamilyError `family/view-size`; TextError and MediaError for what the files hold */
export async function llavaOriginalProcessor(dir: string, config: LlavaOriginalConfig): Promise<Processor> {
  const tokenizer = await loadTokenizer(dir)
  const chat = await loadChat(dir)
  const pixels = await picturesOf(dir, config)
  const tokens = tokensPerView(config)
  const templated = (await loadChatTemplate(dir)) !== undefined
  // Each chunk between pictures is tokenised on its own, and its bos is left out but for the first.
  const ids = (prompt: string) => promptIds(prompt, tokenizer, { dropTokenAfterImage: true })
  return {
    tokenizer,
    render: chat.render,
    prompt: (parts) => (templated ? chat.prompt(parts) : userPrompt(parts)),
    prepare(prompt, images, options = {}) {
      const { instructionEnd: end = 0, appendIds = [], truncation } = options
      const maxLength = lengthWithin(config.maxLength, options)
      checkLength(tokenizer, prompt, maxLength, truncation)
      const all = [...ids(prompt), ...appendIds]
      const rows = images.map((_, image) => Array.from({ length: tokens }, (_, i) => image * tokens + i))
      const instructionIds = end === 0 ? 0 : sharedStart(all, ids(prompt.slice(0, end)))
      // No id stands for a picture in this vocabulary.
      const at = { imageId: IMAGE_ID, fillId: 0, maxLength, truncation, instructionIds }
      return { ...spliceIds(all, rows, at), views: images.map((image) => pixels(image)) }
    },
  }
}

function userPrompt(parts: PromptParts): { prompt: string; instructionEnd: number } {
  const pictures = `${PLACEHOLDER}\n`.repeat(parts.images)
  const prompt = `USER: ${pictures}${itemText(parts)} ASSISTANT:`
  return { prompt, instructionEnd: instructionEnd(prompt, parts) }
}

/** The folder's own picture processor where it has one, else the tower's. */
async function picturesOf(dir: string, { vision, pad }: LlavaOriginalConfig): Promise<ImageProcessor> {
  const own = ['preprocessor_config.json', 'processor_config.json'].some((name) =>
    existsSync(join(dir, name)),
  )
  const pixels = own
    ? await loadPictureProcessor(dir, 'clip', vision.image)
    : clipProcessor({ size: { shortest_edge: vision.image }, crop_size: vision.image })
  return pad ? (image) => pixels(padToSquare(image, MEAN_COLOUR)) : pixels
}
