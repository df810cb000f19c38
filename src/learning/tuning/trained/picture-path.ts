/**
 * @file The path of pictures into the decoder, trained alone: the projector; where pictures become
 * codes, the rows of the table that the codes look up. Tower and decoder stay as they are.
 * @see Liu et al. 2023 (LLaVA), §4.2: its first stage trains the projector alone
 */

import { f32 } from '../../../foundation/numeric/tensor.ts'
import { decoderParameters } from '../../../models/families/parameters.ts'
import type { GradientStep } from '../../training/gradient.ts'
import { TuningError } from '../errors.ts'
import type { TunableModel } from '../tunable.ts'
import { projectorParameters } from './modules.ts'
import type { TableRows, Trained } from './trained.ts'
import { trainedWeights } from './whole.ts'

/**
 * @param firstCode the id of code 0, where pictures become codes: image positions of a prepared
 *   item hold it
 * @throws TuningError `tuning/targets` for a model without projector
 */
export async function trainedPicturePath(
  tunable: TunableModel,
  { firstCode }: { firstCode: number },
): Promise<Trained> {
  const { dir, model } = tunable
  const { imageCodes, vocabulary } = model.shape
  if (imageCodes !== undefined) {
    const tables = decoderParameters(model).filter(({ dims }) => dims.length === 2 && dims[0] === vocabulary)
    const names = tables.map(({ name }) => name)
    const rows = Object.fromEntries(names.map((name) => [name, { first: firstCode, count: imageCodes }]))
    return { ...(await trainedWeights(tunable, names)), rows }
  }
  const names = projectorParameters(model).map(({ name }) => name)
  if (names.length > 0) return await trainedWeights(tunable, names)
  throw new TuningError('targets', {
    message: `${dir}: nothing lies between the tower's features and the decoder`,
    hint: 'Train the tower or the decoder.',
  })
}

/** Gradients of these rows alone: those of other rows of their tables are 0. */
export function ofRows(rows: Readonly<Record<string, TableRows>>, gradient: GradientStep): GradientStep {
  return async (at) => {
    const result = await gradient(at)
    const gradients = { ...result.gradients }
    for (const [name, { first, count }] of Object.entries(rows)) {
      const given = gradients[name]
      if (given === undefined) continue
      const { dims, data } = given
      const [, width = 1] = dims
      const kept = new Float32Array(data.length)
      const [start, end] = [first * width, (first + count) * width]
      kept.set(data.subarray(start, end), start)
      gradients[name] = f32(dims, kept)
    }
    return { ...result, gradients }
  }
}
