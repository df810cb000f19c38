/**
 * @file The processor of Dream-VL and Dimple: Qwen2-VL's patches, and positions in three numbers
 * for pictures that a `<|vision_start|>` counts.
 * @see specs/diffusion-vlms-2.md, Dream-VL and Dimple
 */

import { loadTokenizer } from '../../../inputs/text/tokenizer.ts'
import { loadChat } from '../chat.ts'
import type { Processor } from '../family.ts'
import { loadPatches, type PatchOptions, placePictures, positionsOf } from '../qwen-vl/processor.ts'
import type { QwenSettings } from '../qwen-vl/settings.ts'
import { requireImageToken, splicePrompt } from '../sequence.ts'
import type { DreamTowerConfig } from './config.ts'

export interface DreamProcessorOptions extends PatchOptions {
  /** Class names of the tokenizer, beside Qwen2's. */
  readonly classes: readonly string[]
}

/**
 * @throws FamilyError `family/special-token`, `family/no-processor`, `family/processor`; TextError
 *   and MediaError for what the files hold
 */
export async function dreamProcessor(
  dir: string,
  config: DreamTowerConfig,
  { classes, ...patches }: DreamProcessorOptions,
): Promise<Processor<QwenSettings>> {
  const tokenizer = await loadTokenizer(dir, { classes })
  requireImageToken(tokenizer, config.imageTokenId, dir)
  const chat = await loadChat(dir)
  const pictures = await loadPatches(dir, config.tower.shape, patches)
  return {
    tokenizer,
    ...chat,
    prepare(prompt, images, options) {
      const { rows, grids, item } = placePictures(images, pictures.patches, config.tower.shape)
      const at = { imageId: config.imageTokenId, maxLength: config.text.maxPositions }
      const spliced = splicePrompt(tokenizer, prompt, rows, at, options)
      return {
        ...spliced,
        ...item,
        positions: positionsOf(spliced, grids, options?.settings?.mropeMode, config),
      }
    },
  }
}
