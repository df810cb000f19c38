/** @file The models that twins see pictures through, as subjects of pretraining. */

import {
  alignedImageTokenizerSubject,
  imageTokenizerSubject,
  smallImageTokenizerSubject,
} from './image-tokenizer/subject.ts'
import type { PretrainingSubject } from './subject.ts'
import { towerSubject } from './tower-subject.ts'
import type { PictureModel } from './twins/twin.ts'
import { unalignedTowerSubject } from './unaligned-tower/subject.ts'

export const PICTURE_MODELS: { readonly [M in PictureModel]: PretrainingSubject } = {
  tower: towerSubject,
  'tower-unaligned': unalignedTowerSubject,
  'image-tokenizer': imageTokenizerSubject,
  'image-tokenizer-aligned': alignedImageTokenizerSubject,
  'image-tokenizer-6': smallImageTokenizerSubject,
}
