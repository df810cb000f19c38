/**
 * @file Verifies a preset with real weights: the cosines that the authors of a published embedder
 * printed for one picture and two texts.
 */

import { f32 } from '../../../foundation/numeric/tensor.ts'
import { Embedder } from '../embedder.ts'
import { EmbedderError } from '../errors.ts'
import { PLAIN_IMAGES } from '../image-policy.ts'
import { type PresetName, presets } from '../presets.ts'
import type { LoadOptions } from '../subject.ts'
import { VerifyRecorder, type VerifyReport } from './report.ts'

/**
 * Compares the cosines of a published model with the printed ones.
 * @param path    the published model
 * @param picture the authors' `assets/example.jpg`
 * @throws EmbedderError `embedder/no-published` for a preset without such cosines; what
 *   `Embedder.load` and `embed` throw
 */
export async function verifyPublished(
  path: string,
  name: PresetName,
  picture: string,
  options: LoadOptions = {},
): Promise<VerifyReport> {
  const { published } = presets[name]
  if (published === undefined) {
    const some = Object.entries(presets).flatMap(([other, preset]) =>
      preset.published === undefined ? [] : [other],
    )
    throw new EmbedderError('no-published', {
      message: `the authors of ${name} printed no cosines to compare with`,
      hint: `These have some: ${some.join(', ')}.`,
    })
  }
  const { query, candidates, tolerance, plainImages } = published
  const embedder = await Embedder.load(path, {
    ...options,
    preset: name,
    images: plainImages && PLAIN_IMAGES,
  })
  try {
    const { vectors } = await embedder.embed(
      [{ ...query, image: picture }, ...candidates.map(({ text }) => ({ text }))],
      { signal: options.signal },
    )
    const [, dim = 0] = vectors.dims
    const row = (at: number) => vectors.data.subarray(at * dim, (at + 1) * dim)
    const recorder = new VerifyRecorder()
    for (const [i, { text, cosine }] of candidates.entries()) {
      const got = row(0).reduce((sum, value, d) => sum + value * row(i + 1)[d]!, 0)
      recorder.compare(
        { case: text, stage: 'cosine', key: text },
        f32([1], [got]),
        f32([1], [cosine]),
        tolerance,
      )
    }
    return recorder.report(
      name,
      'published cosines',
      candidates.map(({ text }) => text),
    )
  } finally {
    await embedder.close()
  }
}
