/** @file Baselines of the models under study: dual encoders, raw pixels. */

import { sizeOf } from '../../foundation/numeric/tensor.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import { CONTRACT_READOUT } from '../../models/embedder/embedding.ts'
import { contentHashOf } from '../../models/embedder/fingerprint.ts'
import { fingerprintParts } from '../../models/embedder/subject.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { scoresOf } from '../benchmark/choice.ts'
import { captionMaker } from '../benchmark/dual-encoder.ts'
import { pixels, pixelsApply } from '../benchmark/pixels.ts'
import { itemsOf } from '../benchmark/task.ts'
import { labelOf } from '../benchmark/words.ts'
import type { Baseline } from './outcome.ts'
import type { PlannedModel } from './planned.ts'
import { contentHash, pairVectors, type StudyContext, stored, storedAs } from './state.ts'

/** Dual encoders among the models, and raw pixels where a task has pictures on both sides. */
export async function baselinesOf(
  planned: readonly PlannedModel[],
  alone: boolean,
  context: StudyContext,
): Promise<Baseline[]> {
  const { tasks } = context.world
  const baselines: Baseline[] = []
  for (const { id, subject } of planned) {
    const { model } = subject
    if (model.kind !== 'dual-encoder') continue
    const embedder = await Embedder.over(subject)
    try {
      const hash = await contentHashOf(fingerprintParts(subject))
      const captions = await captionMaker(embedder, id)
      const maker = { ...captions, hash: contentHash([hash, captions.hash]) }
      const vectors = await stored(maker, itemsOf(tasks, 'test'), context)
      const pairs = alone ? (await pairVectors(maker, context))(CONTRACT_READOUT) : undefined
      baselines.push({
        id,
        label: labelOf(id),
        hash,
        parameters: modelParameters(model).reduce((sum, { dims }) => sum + sizeOf(dims), 0),
        family: model.family,
        role: 'dual-encoder',
        scores: await scoresOf(id, tasks, vectors.of(CONTRACT_READOUT)),
        stored: storedAs(maker, CONTRACT_READOUT, context),
        pairs,
      })
    } finally {
      await embedder.close()
    }
  }
  const pictured = tasks.filter(pixelsApply)
  if (pictured.length > 0) {
    const vectors = await stored(pixels, itemsOf(pictured, 'test'), context)
    baselines.push({
      id: 'pixels',
      label: 'Raw pixels',
      hash: null,
      parameters: null,
      family: null,
      role: 'pixels',
      scores: await scoresOf('pixels', pictured, vectors.of('pixels')),
      stored: storedAs(pixels, 'pixels', context),
      pairs: undefined,
    })
  }
  return baselines
}
