/**
 * @file Verifies a fixture of adapter folders: the weights of the base after each adapter was
 * merged into it, and the vectors, with the adapter merged and live.
 */

import { basename, join } from 'node:path'
import { z } from 'zod'
import { compile } from '../../engine/graph/compile.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { readJson } from '../../foundation/files/file.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { Adapter } from '../../models/checkpoint/adapter.ts'
import { readAdapter } from '../../models/checkpoint/adapter-folder.ts'
import { loadSafetensors } from '../../models/checkpoint/safetensors.ts'
import { VerifyRecorder, type VerifyReport } from '../../models/embedder/golden/report.ts'
import { type AdapterMode, adaptedWeights } from '../../models/families/adapted.ts'
import {
  batchFeeds,
  batchSettings,
  batchVectors,
  compareIds,
  fixtureBatch,
  paddedIds,
} from './tuning-batch.ts'
import { openSubjectOf } from './tuning-subject.ts'

const ids = paddedIds.shape.ids
const fixtureSchema = z.looseObject({
  kind: z.literal('merge'),
  ...batchSettings.shape,
  texts: z.array(z.string()),
  input_ids: ids,
  attention_mask: ids,
  tolerance: z.object({ merged: z.number(), vectors: z.number() }),
  adapters: z.array(z.object({ name: z.string(), folder: z.string(), changed: z.array(z.string()) })),
})

/**
 * Compares every tensor of the fixture in `dir`: for each adapter the weights that it changes and
 * the vectors of the texts. A change of any other weight is a miss.
 * @throws FileError, CheckpointError, FamilyError when the folder is no fixture; VerifyError
 *   `verify/fixture` for a dual encoder
 */
export async function verifyMerge(
  dir: string,
  { device = 'cpu' }: { device?: Device } = {},
): Promise<VerifyReport> {
  const fixture = await readJson(join(dir, 'cases.json'), fixtureSchema)
  const expected = await loadSafetensors(join(dir, 'tensors.safetensors'))
  const { checkpoint, model } = await openSubjectOf(dir)
  const prompts = fixture.texts.map((prompt) => ({ prompt, images: [] }))
  const batch = await fixtureBatch(dir, await model.processor(checkpoint.dir), prompts)
  const recorder = new VerifyRecorder()
  const { tolerance } = fixture
  const compare = (stage: string, name: string, key: string, got: Tensor | undefined, allowed: number) => {
    const wanted = expected.get(key)
    if (wanted === undefined)
      recorder.check({ case: name, stage, key }, false, `the fixture has no tensor ${key}`)
    else recorder.compare({ case: name, stage, key }, got, wanted, allowed)
  }
  const vectors = async (adapter: Adapter | undefined, mode: AdapterMode) => {
    const weights = adaptedWeights({ checkpoint, model, adapter, mode })
    const graph = new Graph()
    graph.output('vectors', batchVectors(rootScope(graph, weights.scope), model, 'text', batch))
    const compiled = compile(graph)
    const session = await openSession(compiled, {
      weights: await weights.source(compiled),
      device,
      thread: 'caller',
      name: 'merge',
    })
    try {
      return (await session.run({ ...batchFeeds('text', batch, fixture), ...weights.feeds(compiled) }))
        .vectors
    } finally {
      await session.close()
    }
  }
  compareIds(recorder, 'texts', batch, fixture, { ids: fixture.input_ids, mask: fixture.attention_mask })
  compare('base vectors', 'base', 'base/vectors', await vectors(undefined, 'live'), tolerance.vectors)
  for (const { name, folder, changed } of fixture.adapters) {
    const adapter = await readAdapter(join(dir, folder))
    const weights = adaptedWeights({ checkpoint, model, adapter })
    const merged = await weights.merged()
    const wanted = changed.map((spelled) => weights.find(spelled)?.name ?? spelled)
    const other = [...merged.keys()].filter((key) => !wanted.includes(key))
    recorder.check(
      { case: name, stage: 'changed weights' },
      other.length === 0,
      `no change of ${other} is expected`,
    )
    for (const [i, spelled] of changed.entries())
      compare('merged', name, `${name}/merged/${spelled}`, merged.get(wanted[i]!), tolerance.merged)
    compare('live vectors', name, `${name}/vectors`, await vectors(adapter, 'live'), tolerance.vectors)
    compare('merged vectors', name, `${name}/vectors`, await vectors(adapter, 'merged'), tolerance.vectors)
  }
  return recorder.report(basename(dir), 'merge', expected.keys())
}
