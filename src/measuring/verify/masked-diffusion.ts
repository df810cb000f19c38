/**
 * @file Verifies the loss cases of a LaViDa fixture: masks from injected draws, the loss, and its
 * gradients through decoder, projector and tower.
 * @see specs/lavida.md §6
 */

import { join } from 'node:path'
import { z } from 'zod'
import type { Value } from '../../engine/graph/graph.ts'
import { concat } from '../../engine/graph/shaping.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { decodeImage } from '../../inputs/media/decode.ts'
import {
  IGNORED,
  lossFeeds,
  maskedDiffusionLoss,
  type NoisedBatch,
  noise,
  type TargetRow,
} from '../../learning/pretraining/masked-diffusion.ts'
import type { VerifyRecorder } from '../../models/embedder/golden/report.ts'
import type { PreparedItem, Processor } from '../../models/families/family.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import { spliceIds } from '../../models/families/sequence.ts'
import { VerifyError } from './errors.ts'
import { compareLoss, type LossSubject, lossAndGradients } from './loss-gradients.ts'
import type { FixtureContext } from './model.ts'

const ids = z.array(z.array(z.int()))
const lossCase = z.object({
  name: z.string(),
  images: z.array(z.string().nullable()),
  input_ids: ids,
  labels: ids,
  t: z.array(z.number()),
  u: z.string(),
  epsilon: z.number(),
  weighting: z.literal('none'),
  target_shift: z.boolean(),
  expect: z.object({
    p: z.array(z.number()),
    loss: z.number(),
    masked_positions: z.array(ids),
    targets: z.array(ids),
    gradients: z.record(z.string(), z.string()),
  }),
})
type LossCase = z.infer<typeof lossCase>

const lossFixture = z.looseObject({
  tolerance: z.map(z.string(), z.number()),
  gradient_tolerance: z.record(z.string(), z.number()).default({}),
  // MMaDA's fixtures have an object here (mmada.ts).
  masked_diffusion_loss: z.preprocess((given) => (Array.isArray(given) ? given : []), z.array(lossCase)),
})

/** The published pseudo-id of a picture among token ids. */
const IMAGE_ID = -200

/** Keys of config.json that the loss needs beside the model, for both backbones. */
const special = z.looseObject({
  mask_token_id: z.int(),
  eos_token_id: z.int(),
  fim_token_id: z.int().optional(),
})

/** A row with its pictures. */
interface LossRow extends TargetRow {
  imageIndex: readonly number[]
  views: readonly Tensor<'f32'>[]
}

/**
 * Compares the masks, loss and gradients of every case under `masked_diffusion_loss`. Does nothing
 * for a fixture without such cases.
 * @example verifyModel('golden/lavida-llada', { also: [verifyMaskedDiffusion] })
 * @throws VerifyError `verify/fixture` when the model has no decoder
 */
export async function verifyMaskedDiffusion({
  fixture,
  checkpoint,
  model,
  device,
  recorder,
}: FixtureContext): Promise<void> {
  const {
    tolerance,
    masked_diffusion_loss: cases,
    gradient_tolerance: tolerances,
  } = lossFixture.parse(fixture.json)
  if (cases.length === 0) return
  if (model.kind !== 'vision-language') {
    throw new VerifyError('fixture', {
      message: `${model.family} has no decoder`,
      hint: 'Loss cases belong to LaViDa fixtures.',
    })
  }
  const processor = await model.processor(checkpoint.dir)
  const tokens = special.parse(checkpoint.config)
  for (const at of cases) {
    const u = fixture.expected.get(at.u)
    const rows = await Promise.all(
      at.input_ids.map((_, row) => lossRow(at, row, fixture.dir, processor, model, tokens.eos_token_id)),
    )
    const seq = rows[0]?.inputIds.length ?? 0
    const draws = {
      t: at.t,
      u: rows.map((_, row) => (u === undefined ? [] : toF32(u).data.subarray(row * seq, (row + 1) * seq))),
    }
    const batch = noise(rows, draws, {
      maskId: tokens.mask_token_id,
      fillId: tokens.fim_token_id,
      epsilon: at.epsilon,
      weighting: at.weighting,
      shifted: at.target_shift,
    })
    compareMasks(recorder, at, batch)
    const found = await decodedLoss(
      { model, checkpoint, device },
      rows,
      batch,
      Object.keys(at.expect.gradients),
    )
    compareLoss({ recorder, fixture }, at, found, {
      loss: tolerance.get('loss') ?? 0,
      gradients: tolerances,
    })
  }
}

/**
 * Splices the picture into a row. Every end-of-text token becomes a target, as in the reference.
 */
async function lossRow(
  at: LossCase,
  row: number,
  dir: string,
  processor: Processor,
  { shape }: VisionLanguageModel,
  eosId: number,
): Promise<LossRow> {
  const file = at.images[row]
  const picture: PreparedItem | undefined =
    file == null ? undefined : processor.prepare('<image>', [await decodeImage(join(dir, 'images', file))])
  const table = picture === undefined ? [] : [picture.imageIndex]
  const options = { imageId: IMAGE_ID, fillId: 0, maxLength: shape.maxLength }
  const { inputIds, imageIndex } = spliceIds(at.input_ids[row]!, table, options)
  const given = spliceIds(withImages(at.labels[row]!, at.input_ids[row]!), table, {
    ...options,
    fillId: IGNORED,
  }).inputIds
  const labels = given.map((label, i) => (imageIndex[i] === -1 && inputIds[i] === eosId ? eosId : label))
  return { inputIds, labels, imageIndex, views: picture?.views ?? [] }
}

/** Puts the picture's pseudo-id among the labels, so that they are spliced like the ids. */
function withImages(labels: readonly number[], inputIds: readonly number[]): number[] {
  return labels.map((label, i) => (inputIds[i] === IMAGE_ID ? IMAGE_ID : label))
}

function compareMasks(recorder: VerifyRecorder, at: LossCase, batch: NoisedBatch): void {
  const { p, masked_positions: masked, targets } = at.expect
  recorder.compare(
    { case: at.name, stage: 'p', key: `${at.name} p` },
    f32([p.length], batch.p),
    f32([p.length], p),
    1e-7,
  )
  const same = JSON.stringify(batch.masked) === JSON.stringify(masked)
  recorder.check(
    { case: at.name, stage: 'masks', key: at.u },
    same,
    `got positions ${JSON.stringify(batch.masked)}, expected ${JSON.stringify(masked)}`,
  )
  const flat = targets.flat(2)
  recorder.check(
    { case: at.name, stage: 'targets' },
    batch.targets.join() === flat.join(),
    `got ${batch.targets}, expected ${flat}`,
  )
}

/**
 * Runs one graph from pixels to the loss. Each picture runs once; both copies of its row share it.
 */
async function decodedLoss(
  { model, ...subject }: LossSubject & { model: VisionLanguageModel },
  rows: readonly LossRow[],
  batch: NoisedBatch,
  trained: readonly string[],
): Promise<Record<string, Tensor>> {
  const [copies, seq] = [batch.masked.length, rows[0]?.inputIds.length ?? 0]
  const dims = [copies * rows.length, seq]
  const feeds: Record<string, Tensor> = {
    input_ids: i64(dims, batch.inputIds.flat()),
    attention_mask: i64(dims, new Uint8Array(copies * rows.length * seq).fill(1)),
    ...lossFeeds(batch),
  }
  for (const [row, { views }] of rows.entries())
    if (views.length > 0) feeds[`pixel_values.${row}`] = stacked(views)
  return await lossAndGradients({ model, ...subject }, trained, feeds, (scope) => {
    const { graph } = scope
    const tables: Value<'f32'>[] = []
    const starts: number[] = []
    let start = 0
    for (const row of rows.keys()) {
      starts.push(start)
      const pixels = feeds[`pixel_values.${row}`]
      if (pixels === undefined) continue
      const table = model.buildVision(scope, graph.input(`pixel_values.${row}`, 'f32', pixels.dims)).rows
      tables.push(table)
      start += Number(table.dims[0])
    }
    const index = rows.flatMap(({ imageIndex }, row) =>
      imageIndex.map((at) => (at < 0 ? -1 : starts[row]! + at)),
    )
    const input = (name: string) => graph.input(name, 'i64', dims)
    const imageIndex = graph.constant(i64(dims, Array.from({ length: copies }, () => index).flat()))
    const pictures = tables.length === 0 ? {} : { imageRows: concat(tables, 0), imageIndex }
    const decoder = model.buildDecoder(scope, {
      inputIds: input('input_ids'),
      attentionMask: input('attention_mask'),
      ...pictures,
    })
    return maskedDiffusionLoss(graph, decoder)
  })
}

/** Stacks n arrays of `dims` to `[n, …dims]`. */
function stacked(views: readonly Tensor<'f32'>[]): Tensor<'f32'> {
  const first = views[0]!
  const data = new Float32Array(views.length * first.data.length)
  for (const [i, view] of views.entries()) data.set(view.data, i * first.data.length)
  return f32([views.length, ...first.dims], data)
}
