/**
 * @file LLaDA-V: LaViDa's parts without pooling, large maps scaled down, LLaDA under Hugging Face's
 * names; masked diffusion, full attention.
 */

import type { VisionLanguageFamily } from '../family.ts'
import { lavida } from '../lavida/index.ts'
import { buildDecoder, buildVision } from '../lavida/model.ts'
import { type LavidaSettings, lavidaSettings } from '../lavida/settings.ts'
import { packedRows } from '../llava-onevision/model.ts'
import { isLladaV, type LladaVConfig, parseLladaVConfig } from './config.ts'
import { lladaVProcessor } from './processor.ts'

/**
 * No fixture holds its numbers to the reference yet.
 * @see You et al. 2025 (arXiv 2505.16933); specs/lavida.md §10
 */
export const lladaV: VisionLanguageFamily<LladaVConfig, LavidaSettings> = {
  kind: 'vision-language',
  objective: 'diffusion',
  settings: lavidaSettings,
  name: 'llada-v',
  matches: isLladaV,
  parseConfig: parseLladaVConfig,
  weightSpellings: (name) => [name],
  shape: lavida.shape,
  buildVision(scope, config, pixelValues) {
    const { stages, rows } = buildVision(scope, config, pixelValues)
    return { stages, rows: packedRows(rows) }
  },
  buildDecoder,
  processor: lladaVProcessor,
}
