/**
 * @file DiffusionVL's processor: Qwen2.5-VL's patches, a picture's tokens in the place of either
 * placeholder, positions in one number.
 * @see specs/diffusion-vlms.md, DiffusionVL
 */

import { loadTokenizer } from '../../../inputs/text/tokenizer.ts'
import { loadChat } from '../chat.ts'
import type { Processor } from '../family.ts'
import { loadPatches, placePictures } from '../qwen-vl/processor.ts'
import { requireImageToken, splicePrompt } from '../sequence.ts'
import type { DiffusionVlConfig } from './config.ts'

/** Stands for a picture in training's conversations; no token, so that text is cut there. */
const TRAINING_PLACEHOLDER = '<image>'
const PLACEHOLDER = '<|image_pad|>'

/**
 * @throws FamilyError `family/special-token`, `family/no-processor`, `family/processor`; TextError
 *   and MediaError for what the files hold
 */
export async function diffusionVlProcessor(dir: string, config: DiffusionVlConfig): Promise<Processor> {
  const tokenizer = await loadTokenizer(dir)
  const imageId = config.imageTokenId ?? tokenizer.tokenId(PLACEHOLDER) ?? -1
  requireImageToken(tokenizer, imageId, dir)
  const chat = await loadChat(dir)
  const pictures = await loadPatches(dir, config.vision, { limits: config.limits })
  // An added token cuts the text where it stands, as the training code cuts it at `<image>`.
  const tokenOf = (prompt: string) => prompt.replaceAll(TRAINING_PLACEHOLDER, tokenizer.decode([imageId]))
  return {
    tokenizer,
    ...chat,
    prepare(prompt, images, options) {
      const { rows, item } = placePictures(images, pictures.patches, config.vision)
      const instructionEnd = tokenOf(prompt.slice(0, options?.instructionEnd ?? 0)).length
      const maxLength = images.length === 0 ? config.text.maxPositions : config.maxLength
      const at = { imageId, maxLength }
      return {
        ...splicePrompt(tokenizer, tokenOf(prompt), rows, at, { ...options, instructionEnd }),
        ...item,
      }
    },
  }
}
