/**
 * @file Verifies a fixture of adapter tuning: vectors, losses, every gradient, every weight after
 * every step, the merged weights, and the same gradients by GradCache.
 * @see specs/vlm2vec-mmeb.md §5
 */

import { basename, join } from 'node:path'
import type { Device } from '../../engine/runtime/devices.ts'
import { readJson } from '../../foundation/files/file.ts'
import { keyItem } from '../../inputs/data/item.ts'
import type { Trained } from '../../learning/tuning/trained/trained.ts'
import { type Adapter, adapterParameters } from '../../models/checkpoint/adapter.ts'
import { readAdapter } from '../../models/checkpoint/adapter-folder.ts'
import { loadSafetensors } from '../../models/checkpoint/safetensors.ts'
import { type Contract, defaultContract } from '../../models/embedder/contract.ts'
import { VerifyRecorder, type VerifyReport } from '../../models/embedder/golden/report.ts'
import { adaptedWeights } from '../../models/families/adapted.ts'
import { storedWeights } from '../../models/families/model-weights.ts'
import { VerifyError } from './errors.ts'
import { vectorsOf } from './trained-vectors.ts'
import { compareIds, fixtureBatch } from './tuning-batch.ts'
import { compareSteps } from './tuning-steps.ts'
import { compareVector, openSubjectOf, type TuningSubject, tuningFixture } from './tuning-subject.ts'

/**
 * Compares every tensor of the fixture in `dir`, from pixels and ids to the weights after the last
 * step.
 * @throws FileError, CheckpointError, FamilyError when the folder is no fixture; VerifyError
 *   `verify/fixture` for a dual encoder
 */
export async function verifyTuning(
  dir: string,
  { device = 'cpu' }: { device?: Device } = {},
): Promise<VerifyReport> {
  const fixture = await readJson(join(dir, 'cases.json'), tuningFixture)
  const expected = await loadSafetensors(join(dir, 'tensors.safetensors'))
  const { checkpoint, model } = await openSubjectOf(dir)
  const processor = await model.processor(checkpoint.dir)
  const recorder = new VerifyRecorder()
  const asked = await fixtureBatch(dir, processor, fixture.queries)
  const answers = fixture.targets.map((prompt) => ({ prompt, images: [] }))
  const answered = await fixtureBatch(dir, processor, answers)
  compareIds(recorder, 'queries', asked, fixture, {
    ids: fixture.query_ids,
    mask: fixture.query_mask,
    grids: fixture.query_image_grid_thw,
  })
  compareIds(recorder, 'targets', answered, fixture, { ids: fixture.target_ids, mask: fixture.target_mask })
  // Prompts are final strings, so that the contract adds nothing to them.
  const contract: Contract = {
    ...defaultContract(model),
    prompt: { template: '{text}' },
    readout: { layer: 'last', norm: 'after', pool: fixture.pooling },
  }
  const itemsOf = async (prompts: readonly { prompt: string; images: readonly string[] }[]) => {
    const keyed = prompts.map(async ({ prompt, images }) => {
      const image = images.map((name) => join(dir, 'images', name))
      return await keyItem({ text: prompt, image }, undefined, 'embed')
    })
    return await Promise.all(keyed)
  }
  const subject: TuningSubject = {
    dir,
    fixture,
    expected,
    model: { dir: checkpoint.dir, model, checkpoint, contract, weights: storedWeights(checkpoint, model) },
    queries: await itemsOf(fixture.queries),
    targets: await itemsOf(answers),
    longest: Math.max(asked.seq, answered.seq),
    device,
    recorder,
  }
  const trained = await compareSteps(subject, await readAdapter(join(dir, 'adapter-0')))
  await compareMerged(subject, trained)
  return recorder.report(basename(dir), 'tuning', expected.keys())
}

/**
 * Compares the trained adapter with the reference's folder of it, then merges it into the base and
 * compares weights and vectors.
 */
async function compareMerged(subject: TuningSubject, trained: Trained): Promise<void> {
  const { dir, fixture, expected, recorder, model, queries, device } = subject
  const { after, merged = after, final = fixture.tolerance.vectors } = fixture.tolerance
  const folder = `adapter-${fixture.losses.length}`
  const adapter = adapterOf(trained)
  const own = adapterParameters(adapter)
  const wanted = await readAdapter(join(dir, folder))
  for (const [name, value] of Object.entries(adapterParameters(wanted)))
    recorder.compare({ case: folder, stage: 'folder', key: `${folder}/${name}` }, own[name], value, after)
  const scaled = [...wanted.modules]
    .filter(([module, { scale }]) => adapter.modules.get(module)?.scale !== scale)
    .map(([module]) => module)
  recorder.check({ case: folder, stage: 'folder' }, scaled.length === 0, `another scale for ${scaled}`)
  const weights = adaptedWeights({
    checkpoint: model.checkpoint,
    model: model.model,
    adapter,
    mode: 'merged',
  })
  const changed = await weights.merged()
  for (const [key, value] of expected) {
    if (!key.startsWith('merged/')) continue
    const found = weights.find(key.slice('merged/'.length))
    recorder.compare(
      { case: 'merged', stage: 'merged', key },
      found && changed.get(found.name),
      value,
      merged,
    )
  }
  const vectors = await vectorsOf(model, queries, weights, device)
  compareVector(subject, 'merged vectors', 'final/query', vectors, final)
}

function adapterOf(trained: Trained): Adapter {
  const result = trained.result()
  if (result.kind === 'adapter') return result.adapter
  throw new VerifyError('fixture', {
    message: 'the training gave whole weights and no adapter',
    hint: 'Fixtures of this kind train low-rank updates.',
  })
}
