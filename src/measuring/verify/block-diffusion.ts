/**
 * @file Verifies the loss cases of a DiffusionVL fixture: filling, degrees and masks from injected
 * draws, the loss over `[noisy | clean]`, and its gradients through decoder, merger and tower.
 * @see specs/diffusion-vlms.md, DiffusionVL, Loss
 */

import { join } from 'node:path'
import { z } from 'zod'
import { toF32 } from '../../foundation/numeric/float.ts'
import { joined } from '../../foundation/numeric/rows.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { decodeImage } from '../../inputs/media/decode.ts'
import {
  type BlockNoisedBatch,
  type BlockNoisingOptions,
  blockFeeds,
  blockNoise,
} from '../../learning/pretraining/block-diffusion.ts'
import { IGNORED, lossFeeds, maskedDiffusionLoss } from '../../learning/pretraining/masked-diffusion.ts'
import type { VerifyRecorder } from '../../models/embedder/golden/report.ts'
import type { PreparedItem, Processor } from '../../models/families/family.ts'
import { spliceIds } from '../../models/families/sequence.ts'
import { VerifyError } from './errors.ts'
import { compareLoss, lossAndGradients } from './loss-gradients.ts'
import type { FixtureContext } from './model.ts'

const ids = z.array(z.array(z.int()))
const lossCase = z.object({
  name: z.string(),
  images: z.array(z.string().nullable()),
  input_ids: ids,
  labels: ids,
  block_size: z.int().min(1),
  block_aligned_eos: z.boolean(),
  eos_token_id: z.int(),
  mask_token_id: z.int(),
  antithetic: z.boolean(),
  eps_min: z.number(),
  eps_max: z.number(),
  u_block: z.string(),
  u_token: z.string(),
  expect: z.object({
    spliced_lengths: z.array(z.int()),
    aligned_lengths: z.array(z.int()),
    length: z.int(),
    t: z.array(z.array(z.number())),
    labels: ids,
    masked_positions: ids,
    targets: ids,
    loss: z.number(),
    gradients: z.record(z.string(), z.string()),
  }),
})
type LossCase = z.infer<typeof lossCase>

const lossFixture = z.looseObject({
  loss_tolerance: z.number().default(0),
  gradient_tolerance: z.record(z.string(), z.number()).default({}),
  block_diffusion_loss: z.array(lossCase).default([]),
})

/** The published pseudo-id of a picture among token ids. */
const IMAGE_ID = -200

/** Differences of degrees: two units in the last place of f32 below 1. Masks must be equal. */
const DEGREE_TOLERANCE = 1.2e-7

/** A row with its pictures' rows of the table of all pictures. */
interface LossRow {
  inputIds: number[]
  labels: number[]
  imageIndex: number[]
}

/**
 * Compares filling, masks, loss and gradients of every case under `block_diffusion_loss`. Does
 * nothing for a fixture without such cases.
 * @throws VerifyError `verify/fixture` when the model has no decoder
 */
export async function verifyBlockDiffusion({
  fixture,
  checkpoint,
  model,
  device,
  recorder,
}: FixtureContext): Promise<void> {
  const { block_diffusion_loss: cases, loss_tolerance, gradient_tolerance } = lossFixture.parse(fixture.json)
  if (cases.length === 0) return
  if (model.kind !== 'vision-language') {
    throw new VerifyError('fixture', {
      message: `${model.family} has no decoder`,
      hint: 'Loss cases belong to DiffusionVL fixtures.',
    })
  }
  const processor = await model.processor(checkpoint.dir)
  const numbers = (name: string) => {
    const found = fixture.expected.get(name)
    return found === undefined ? [] : toF32(found).data
  }
  for (const at of cases) {
    const pictures = await picturesOf(at, fixture.dir, processor)
    const rows = rowsOf(at, pictures, model.shape.maxLength)
    const options: BlockNoisingOptions = {
      block: at.block_size,
      maskId: at.mask_token_id,
      fillId: at.block_aligned_eos ? at.eos_token_id : undefined,
      antithetic: at.antithetic,
      share: [at.eps_min, at.eps_max],
    }
    const draws = { block: numbers(at.u_block), token: numbers(at.u_token) }
    const batch = blockNoise(rows, draws, options)
    compareNoise(recorder, at, rows, batch)
    const noised = blockFeeds(batch, at.block_size)
    const feeds: Record<string, Tensor> = { ...noised, ...lossFeeds(batch), ...towerFeedsOf(pictures) }
    const names = Object.keys(at.expect.gradients)
    const found = await lossAndGradients({ model, checkpoint, device }, names, feeds, (scope) => {
      const { graph } = scope
      const dims = [rows.length, 2 * batch.length]
      const pixels = feeds.pixel_values
      const imageRows =
        pixels && model.buildVision(scope, graph.input('pixel_values', 'f32', pixels.dims)).rows
      const index = rows.flatMap(({ imageIndex }) => {
        const padded = [...imageIndex, ...new Array<number>(batch.length - imageIndex.length).fill(-1)]
        return [...padded, ...padded]
      })
      const decoder = model.buildDecoder(
        scope,
        {
          inputIds: graph.constant(i64(dims, batch.inputIds.flat())),
          attentionMask: graph.input('attention_mask', 'i64', dims),
          positions: graph.input('position_ids', 'i64', [1, ...dims]),
          ...(imageRows && { imageRows, imageIndex: graph.constant(i64(dims, index)) }),
        },
        { attention: graph.input('block_mask', 'f32', noised.block_mask.dims) },
      )
      return maskedDiffusionLoss(graph, decoder)
    })
    compareLoss({ recorder, fixture }, at, found, { loss: loss_tolerance, gradients: gradient_tolerance })
  }
}

/** All pictures of a case as one item: its tower takes them together. */
async function picturesOf(
  at: LossCase,
  dir: string,
  processor: Processor,
): Promise<PreparedItem | undefined> {
  const files = at.images.filter((file) => file !== null)
  if (files.length === 0) return undefined
  const images = await Promise.all(files.map((file) => decodeImage(join(dir, 'images', file))))
  return processor.prepare(files.map(() => '<image>').join(''), images)
}

/** Splices each row's picture into ids and labels. */
function rowsOf(at: LossCase, pictures: PreparedItem | undefined, maxLength: number): LossRow[] {
  let next = 0
  return at.input_ids.map((inputIds, row) => {
    const [start, end] = at.images[row] == null ? [0, 0] : pictures!.spans.image[next++]!
    const table = start === end ? [] : [pictures!.imageIndex.slice(start, end)]
    const spliced = (values: readonly number[], fillId: number) =>
      spliceIds(values, table, { imageId: IMAGE_ID, fillId, maxLength })
    const labels = at.labels[row]!.map((label, i) => (inputIds[i] === IMAGE_ID ? IMAGE_ID : label))
    const { inputIds: own, imageIndex } = spliced(inputIds, 0)
    return { inputIds: own, imageIndex, labels: spliced(labels, IGNORED).inputIds }
  })
}

function towerFeedsOf(pictures: PreparedItem | undefined): Record<string, Tensor> {
  const views = joined((pictures?.views ?? []).map((view) => f32([1, ...view.dims], view.data)))
  return views === undefined ? {} : { pixel_values: views, ...pictures?.visionFeeds }
}

function compareNoise(
  recorder: VerifyRecorder,
  at: LossCase,
  rows: readonly LossRow[],
  { length, lengths, labels, t, masked, targets }: BlockNoisedBatch,
): void {
  const { expect } = at
  const checks: [stage: string, got: unknown, wanted: unknown, key?: string][] = [
    [
      'lengths',
      [rows.map((row) => row.inputIds.length), lengths, length],
      [expect.spliced_lengths, expect.aligned_lengths, expect.length],
    ],
    ['labels', labels, expect.labels],
    ['masks', masked, expect.masked_positions, at.u_token],
    ['targets', targets, expect.targets.flat()],
  ]
  const degrees = [t.length, t[0]?.length ?? 0]
  recorder.compare(
    { case: at.name, stage: 't', key: at.u_block },
    f32(degrees, t.flat()),
    f32([expect.t.length, expect.t[0]?.length ?? 0], expect.t.flat()),
    DEGREE_TOLERANCE,
  )
  for (const [stage, got, wanted, key] of checks) {
    const [found, expected] = [JSON.stringify(got), JSON.stringify(wanted)]
    recorder.check({ case: at.name, stage, key }, found === expected, `got ${found}, expected ${expected}`)
  }
}
