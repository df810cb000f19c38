/** @file Items to embed, and one call from the folder of a model to vectors. */

import { stream } from '../src/foundation/numeric/random.ts'
import type { Tensor } from '../src/foundation/numeric/tensor.ts'
import type { Item } from '../src/inputs/data/item.ts'
import type { RgbImage } from '../src/inputs/media/image.ts'
import { Embedder } from '../src/models/embedder/embedder.ts'
import type { LoadOptions } from '../src/models/embedder/subject.ts'

/** A small picture of noise. */
function picture(seed: number): RgbImage {
  const random = stream(seed)
  return { width: 20, height: 30, data: Uint8Array.from({ length: 1800 }, () => random() * 256) }
}

/** A text, a picture, and both with an instruction. */
export const items: Item[] = [
  { text: 'a cat' },
  { image: picture(1) },
  {
    instruction: 'Represent the given image',
    image: picture(2),
    text: 'What is to the left of the cat? How many keys are there?',
  },
]

/** Opens a model, embeds items, and closes the model. */
export async function embedded(dir: string, given: readonly Item[], options: LoadOptions = {}) {
  const embedder = await Embedder.load(dir, options)
  try {
    return await embedder.embed(given)
  } finally {
    await embedder.close()
  }
}

/** Row `at` of a matrix. */
export const row = ({ dims, data }: Tensor<'f32'>, at: number) =>
  data.slice(at * dims[1]!, (at + 1) * dims[1]!)
