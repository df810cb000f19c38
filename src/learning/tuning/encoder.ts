/** @file Vectors of a subject, untuned or converted, as a benchmark wants them. */

import { compile } from '../../engine/graph/compile.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { f32Of } from '../../engine/runtime/results.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { type Tensor, zeros } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import { batches } from '../../models/embedder/batching.ts'
import { pool } from '../../models/embedder/readout.ts'
import type { NamedArrays } from '../training/arrays.ts'
import { pooled, sequenceGroup, TUNED_POOLS, type TunedPool } from './decoder.ts'
import type { PictureFeatures } from './features.ts'
import { groupFeeds, pictureKeys, type Sequences } from './sequences.ts'
import type { Subject } from './subject.ts'
import { type TunedPart, trainedScope } from './trained.ts'

export interface SubjectEncoder {
  /**
   * Names of all vectors: each pool after the last layer, and `layer <k> <pool>` before the norm, 0
   * = the input embeddings.
   */
  readonly readouts: readonly string[]
  /**
   * @param parameters the trained values: initial ones leave the model as it was pretrained
   * @returns for each wanted readout `[items, hidden]` unit vectors
   */
  embed(
    items: readonly KeyedItem[],
    options: { parameters: NamedArrays; readouts: readonly string[]; signal?: AbortSignal },
  ): Promise<Record<string, Tensor<'f32'>>>
  close(): Promise<void>
}

/** Positions a run, padding included: larger ones leave the caches of one core. */
const BUDGET = 1024

/** Name of a layer's readout. */
export function layerReadout(layer: number, by: TunedPool): string {
  return `layer ${layer} ${by}`
}

export interface SubjectEncoderOptions {
  subject: Subject
  part: TunedPart
  features: PictureFeatures
  sequences: Sequences
  threads?: number
}

/** Opens the decoder once for any number of trained states: these are fed. */
export async function subjectEncoder({
  subject,
  part,
  features,
  sequences,
  threads = 1,
}: SubjectEncoderOptions): Promise<SubjectEncoder> {
  const { model, attention, weights, id } = subject
  const graph = new Graph()
  const group = sequenceGroup(rootScope(graph, trainedScope(subject, part)), model, attention, 0)
  for (const by of TUNED_POOLS) {
    graph.output(by, pooled(group, by))
    const states = [group.pieces.inputs, ...group.pieces.layers]
    for (const [layer, state] of states.entries())
      graph.output(layerReadout(layer, by), pool(state, group.weights[by]))
  }
  const session = await openSession(compile(graph), { weights, threads, name: `${id} encoder` })
  const { hidden } = model.shape
  return {
    readouts: [...graph.outputs.keys()],
    async embed(items, { parameters, readouts, signal }) {
      const prepared = await sequences.prepare(items, signal)
      const made = Object.fromEntries(readouts.map((readout) => [readout, zeros([items.length, hidden])]))
      for (const members of batches(
        prepared.map(({ inputIds }) => inputIds.length),
        BUDGET,
      )) {
        const batch = members.map((member) => prepared[member]!)
        const table = features.table(pictureKeys(batch))
        const feeds = { ...groupFeeds(batch, table, 0), image_rows: table.rows, ...parameters }
        const outputs = await session.run(feeds, { outputs: readouts, signal })
        for (const readout of readouts) {
          const vectors = f32Of(outputs, readout)
          for (const [i, member] of members.entries())
            made[readout]!.data.set(vectors.data.subarray(i * hidden, (i + 1) * hidden), member * hidden)
        }
      }
      return made
    },
    close: () => session.close(),
  }
}
