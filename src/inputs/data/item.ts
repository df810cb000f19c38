/**
 * @file What is embedded: an instruction, a text, a picture, each optional. Pictures are read when
 * they are needed.
 */

import type { RgbImage } from '../media/index.ts'

/** A picture that may not be in memory yet. */
export interface Picture {
  /** Equal for equal pictures: what features are cached under. */
  readonly key: string
  read(): RgbImage
}

/** At least one of instruction, text and picture. */
export interface EmbeddingItem {
  /** Equal for equal items: what a vector is cached under. */
  readonly key: string
  readonly instruction?: string
  readonly text?: string
  readonly picture?: Picture
}
