/** @file The image tokenizers as subjects of pretraining. */

import type { PretrainingSubject } from '../subject.ts'
import { readImageTokenizer, writeImageTokenizer } from './folder.ts'
import { imageTokenizerGates } from './gates.ts'
import {
  CODE_PICTURE,
  CODE_RATE,
  CODE_SIDE,
  CODE_TRAINING,
  CODES,
  IMAGE_TOKENIZERS,
  type ImageTokenizerName,
  PLAIN_LATENTS,
} from './shape.ts'
import { trainImageTokenizer } from './train.ts'

export const imageTokenizerSubject = subjectOf('image-tokenizer', {
  summary:
    "The image tokenizer that the discrete twins share, in the layout of MMaDA's (MAGVIT-v2): a " +
    'convolutional net whose signs are the bits of a code, and the way back to pixels.',
  loss: 'Mean squared error, commitment and entropy of the bits; no text.',
})

export const alignedImageTokenizerSubject = subjectOf('image-tokenizer-aligned', {
  summary:
    'An image tokenizer whose codes also had to predict the caption: `image-tokenizer` in all else. A ' +
    'small decoder read the caption from the signs while it was trained, and was left out then.',
  loss:
    'Mean squared error, commitment and entropy of the bits, and .05 of the cross-entropy of the ' +
    "caption's tokens, which a decoder of two layers predicts from the signs.",
})

export const smallImageTokenizerSubject = subjectOf('image-tokenizer-6', {
  summary:
    'An image tokenizer of fewer codes: 64, with 6 bits each. `image-tokenizer` in all else. It shows ' +
    'what the number of codes costs.',
  loss: 'Mean squared error, commitment and entropy of the bits; no text.',
})

function subjectOf(
  name: ImageTokenizerName,
  { summary, loss }: { summary: string; loss: string },
): PretrainingSubject {
  const { stack } = IMAGE_TOKENIZERS[name]
  return {
    name,
    training: CODE_TRAINING,
    train: (at, training, run) => trainImageTokenizer(name, at, training, run),
    write: (dir, trained) => writeImageTokenizer(dir, trained, stack),
    read: readImageTokenizer,
    gates: (at, parameters, options) => imageTokenizerGates({ model: name, stack }, at, parameters, options),
    answers: async () => [],
    card: {
      name,
      library: 'bifocal',
      task: 'image-to-image',
      summary,
      recipe: (numbers) => [
        `${numbers(() => true)} parameters, half of them in the decoder. Pictures are seen at ` +
          `${CODE_PICTURE} × ${CODE_PICTURE} pixels: ${CODES} codes of ${stack.bits} bits, one for ` +
          `${CODE_SIDE} × ${CODE_SIDE} pixels.`,
        `${loss} The first ${PLAIN_LATENTS} updates pass latents on without signs.`,
        `AdamW (${CODE_RATE}), warm-up, cosine to 0`,
      ],
      unequal: [],
      sections: [],
    },
  }
}
