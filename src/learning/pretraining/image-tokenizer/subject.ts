/** @file The image tokenizer as a subject of pretraining. */

import type { PretrainingSubject } from '../subject.ts'
import { readImageTokenizer, writeImageTokenizer } from './folder.ts'
import { imageTokenizerGates } from './gates.ts'
import {
  CODE_PICTURE,
  CODE_RATE,
  CODE_SIDE,
  CODE_STACK,
  CODE_TRAINING,
  CODES,
  PLAIN_LATENTS,
} from './shape.ts'
import { trainImageTokenizer } from './train.ts'

export const imageTokenizerSubject: PretrainingSubject = {
  name: 'image-tokenizer',
  training: CODE_TRAINING,
  train: trainImageTokenizer,
  write: (dir, trained) => writeImageTokenizer(dir, trained),
  read: readImageTokenizer,
  gates: imageTokenizerGates,
  answers: async () => [],
  card: {
    name: 'image-tokenizer',
    library: 'bifocal',
    task: 'image-to-image',
    summary:
      "The image tokenizer that the discrete twins share, in the layout of MMaDA's (MAGVIT-v2): a " +
      'convolutional net whose signs are the bits of a code, and the way back to pixels.',
    recipe: (numbers) => [
      `${numbers(() => true)} parameters, half of them in the decoder. Pictures are seen at ` +
        `${CODE_PICTURE} × ${CODE_PICTURE} pixels: ${CODES} codes of ${CODE_STACK.bits} bits, one for ` +
        `${CODE_SIDE} × ${CODE_SIDE} pixels.`,
      'Mean squared error, commitment and entropy of the bits; no text. The first ' +
        `${PLAIN_LATENTS} updates pass latents on without signs.`,
      `AdamW (${CODE_RATE}), warm-up, cosine to 0`,
    ],
    unequal: [],
    sections: [],
  },
}
