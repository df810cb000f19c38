/** @file A contrastive loss over the vectors of a batch's items. */

import { add, mul } from '../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../engine/graph/graph.ts'
import { gather } from '../../engine/graph/indexing.ts'
import type { Loss } from '../training/gradient.ts'
import { type BatchVectors, type ContrastiveLoss, graphScalars } from './losses/loss.ts'

/**
 * Declares the inputs of `pairFeeds`, and the scalars of the loss by their own names: those that
 * change with the update as inputs, trained ones as fed parameters.
 * @param vectors for each readout `[items, dim]`
 * @returns the mean of the readouts' losses and metrics
 */
export function lossOver(graph: Graph, vectors: readonly Value<'f32'>[], loss: ContrastiveLoss): Loss {
  const integers = (name: string, dim: string) => graph.input(name, 'i64', [dim])
  const floats = (name: string, dim: string) => graph.input(name, 'f32', [dim])
  const built = vectors.map((rows) => {
    const batch: BatchVectors = {
      queries: gather(rows, integers('query_rows', 'pairs')),
      targets: gather(rows, integers('target_rows', 'pairs')),
      negatives: gather(rows, integers('negative_rows', 'negatives')),
      queryGroups: integers('query_group', 'pairs'),
      targetGroups: integers('target_group', 'pairs'),
      negativeGroups: integers('negative_group', 'negatives'),
      negativeOwner: integers('negative_owner', 'negatives'),
      ...(loss.needsTeacher && {
        teacher: {
          targets: floats('teacher_targets', 'pairs'),
          negatives: floats('teacher_negatives', 'negatives'),
        },
      }),
      ...graphScalars(graph),
    }
    return loss.build(batch)
  })
  const mean = (of: (one: (typeof built)[number]) => Value<'f32'>) =>
    mul(
      built.map(of).reduce((a, b) => add(a, b)),
      1 / built.length,
    )
  return {
    loss: mean((one) => one.loss),
    metrics: {
      accuracy: mean(({ metrics }) => metrics.accuracy),
      candidates: mean(({ metrics }) => metrics.candidates),
    },
  }
}
