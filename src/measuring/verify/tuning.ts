/**
 * @file Verifies a fixture of adapter tuning: vectors, losses, every gradient, every weight after
 * every step, the merged weights, and the same gradients by GradCache.
 * @see specs/vlm2vec-mmeb.md §5
 */

import { basename, join } from 'node:path'
import { compile } from '../../engine/graph/compile.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import { readJson } from '../../foundation/files/file.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { type Schedule, schedule } from '../../learning/training/schedule.ts'
import { adapterParameters } from '../../models/checkpoint/adapter.ts'
import { readAdapter } from '../../models/checkpoint/adapter-folder.ts'
import { loadSafetensors } from '../../models/checkpoint/safetensors.ts'
import { VerifyRecorder, type VerifyReport } from '../../models/embedder/golden/report.ts'
import { batchFeeds, batchVectors, compareIds, fixtureBatch } from './tuning-batch.ts'
import { byChunks, compareChunked } from './tuning-chunks.ts'
import { compareSteps } from './tuning-steps.ts'
import {
  adapted,
  compareVector,
  open,
  openSubjectOf,
  type TuningFixture,
  type TuningSubject,
  tuningFixture,
} from './tuning-subject.ts'

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
  const query = await fixtureBatch(dir, processor, fixture.queries)
  const target = await fixtureBatch(
    dir,
    processor,
    fixture.targets.map((prompt) => ({ prompt, images: [] })),
  )
  const recorder = new VerifyRecorder()
  const adapter = await readAdapter(join(dir, 'adapter-0'))
  const subject = { dir, fixture, expected, checkpoint, model, device, recorder, query, target, adapter }
  compareIds(recorder, 'queries', query, fixture, {
    ids: fixture.query_ids,
    mask: fixture.query_mask,
    grids: fixture.query_image_grid_thw,
  })
  compareIds(recorder, 'targets', target, fixture, { ids: fixture.target_ids, mask: fixture.target_mask })
  const rate = scheduleOf(fixture, recorder)
  // This runs before the steps change the adapter.
  const chunked = await byChunks(subject)
  await compareSteps(subject, rate)
  compareChunked(subject, chunked)
  await compareMerged(subject)
  return recorder.report(basename(dir), 'tuning', expected.keys())
}

/** Makes our schedule from the fixture's numbers and compares its rates with the reference's. */
function scheduleOf({ optimizer }: TuningFixture, recorder: VerifyRecorder): Schedule {
  const [warmup = 0, steps = 0] = (/^linear, (\d+) warm-up steps of (\d+)$/.exec(optimizer.schedule) ?? [])
    .slice(1)
    .map(Number)
  const rate = schedule({ steps, warmup })
  const wanted = optimizer.lr_at_step
  const got = wanted.map((_, step) => rate(step) * optimizer.lr)
  recorder.compare(
    { case: 'schedule', stage: 'learning rate', key: 'lr_at_step' },
    f32([got.length], got),
    f32([wanted.length], wanted),
    1e-9,
  )
  return rate
}

/**
 * Compares the trained adapter with the reference's folder of it, then merges it into the base and
 * compares weights and vectors.
 */
async function compareMerged(subject: TuningSubject): Promise<void> {
  const { dir, fixture, expected, recorder, model, adapter, query } = subject
  const { after, merged = after, final = fixture.tolerance.vectors } = fixture.tolerance
  const folder = `adapter-${fixture.losses.length}`
  const own = adapterParameters(adapter)
  const trained = await readAdapter(join(dir, folder))
  for (const [name, wanted] of Object.entries(adapterParameters(trained)))
    recorder.compare({ case: folder, stage: 'folder', key: `${folder}/${name}` }, own[name], wanted, after)
  const scaled = [...trained.modules]
    .filter(([module, { scale }]) => adapter.modules.get(module)?.scale !== scale)
    .map(([module]) => module)
  recorder.check({ case: folder, stage: 'folder' }, scaled.length === 0, `another scale for ${scaled}`)
  const weights = adapted(subject, 'merged')
  const changed = await weights.merged()
  for (const [key, wanted] of expected) {
    if (!key.startsWith('merged/')) continue
    const found = weights.find(key.slice('merged/'.length))
    recorder.compare(
      { case: 'merged', stage: 'merged', key },
      found && changed.get(found.name),
      wanted,
      merged,
    )
  }
  const graph = new Graph()
  graph.output(
    'query',
    batchVectors(rootScope(graph, adapted(subject, 'merged').scope), model, 'query', query),
  )
  const session = await open(subject, compile(graph), 'merged')
  try {
    const { query: vectors } = await session.run(batchFeeds('query', query, fixture))
    compareVector(subject, 'merged vectors', 'final/query', vectors, final)
  } finally {
    await session.close()
  }
}
