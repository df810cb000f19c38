/**
 * @file Batches of the twins: the same pictures, prompts and answers in the same order; only what
 * is masked and scored differs.
 */

import { stream } from '../../foundation/numeric/random.ts'
import { i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { Sample } from '../../inputs/scenes/sample.ts'
import { drawNoise, IGNORED, lossFeeds, type NoisedBatch, noise, type TargetRow } from './masked-diffusion.ts'
import { drawBatch } from './pictures.ts'
import { IMAGE_TOKENS, PICTURE_SIZE } from './recipe.ts'
import type { TowerWorld } from './tower-batch.ts'
import type { TwinSamples } from './twin-samples.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

export type Objective = 'next-token' | 'masked-diffusion'

/** One row before padding: token ids, the end token of the answer included. */
export interface Row {
  prompt: number[]
  answer: number[]
  hasImage: boolean
}

const isPlainText = ({ prompt }: Sample) => prompt === ''

/** A sample as token ids, image positions in place. A plain text has no user's turn. */
export function rowOf({ tokenizer }: TowerWorld, sample: Sample, hasImage: boolean): Row {
  const { prompt, answer } = sample
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
  if (isPlainText(sample))
    return { prompt: [SPECIAL_IDS.bos], answer: [...encode(answer), SPECIAL_IDS.eos], hasImage }
  const picture = hasImage ? new Array<number>(IMAGE_TOKENS).fill(SPECIAL_IDS.image) : []
  return {
    prompt: [
      SPECIAL_IDS.bos,
      ...picture,
      ...encode(hasImage ? `\n${prompt}` : prompt),
      SPECIAL_IDS.endOfTurn,
    ],
    answer: [...encode(answer), SPECIAL_IDS.eos],
    hasImage,
  }
}

/** `imageIndex` of the first positions of a row whose picture is number `picture` of its batch. */
export function imagePositions(picture: number): number[] {
  return [-1, ...Array.from({ length: IMAGE_TOKENS }, (_, i) => picture * IMAGE_TOKENS + i)]
}

export interface TwinBatchOptions {
  objective: Objective
  /** Seed of the masks and number of the batch. */
  seed: number
  step: number
  /**
   * Whether the end tokens that fill an answer up to the longest of its batch are learnt too
   * (masked diffusion; specs/lavida.md §6.1). Plain texts aren't filled.
   */
  fill: boolean
}

/** Feeds of `twinLoss`. */
export function twinBatch(
  at: TowerWorld,
  drawn: TwinSamples,
  { objective, seed, step, fill }: TwinBatchOptions,
): Record<string, Tensor> {
  const rows = drawn.samples.map((sample, i) => rowOf(at, sample, drawn.pictures[i] !== null))
  const diffusion = objective === 'masked-diffusion'
  const answers = Math.max(...rows.map(({ answer }) => answer.length))
  const filled = rows.map((row, i) =>
    diffusion && fill && !isPlainText(drawn.samples[i]!)
      ? { ...row, answer: fillUp(row.answer, answers) }
      : row,
  )
  const seq = Math.max(...filled.map(({ prompt, answer }) => prompt.length + answer.length))
  const targets = filled.map(({ prompt, answer }): TargetRow => {
    const rest = new Array<number>(seq - prompt.length - answer.length).fill(SPECIAL_IDS.eos)
    return {
      inputIds: [...prompt, ...answer, ...rest],
      labels: [...prompt.map(() => IGNORED), ...answer, ...rest.map(() => IGNORED)],
    }
  })
  const scored = diffusion
    ? noise(targets, drawNoise(targets.length, seq, stream(seed, 'noise', step)), {
        maskId: SPECIAL_IDS.mask,
      })
    : nextToken(targets)
  const copies = scored.inputIds.length / rows.length
  const pictures = drawn.pictures.filter((picture) => picture !== null)
  let next = 0
  const imageIndex = filled.flatMap(({ hasImage }) => {
    const own = hasImage ? imagePositions(next++) : []
    return [...own, ...new Array<number>(seq - own.length).fill(-1)]
  })
  const mask = filled.flatMap(({ prompt, answer }) =>
    Array.from({ length: seq }, (_, i) => (i < prompt.length + answer.length ? 1 : 0)),
  )
  const dims = [rows.length * copies, seq]
  const repeated = (values: number[]) => i64(dims, Array.from({ length: copies }, () => values).flat())
  return {
    // A text-only batch sees one blank picture that no row points at: the graph stays one.
    pixels: pictures.length > 0 ? drawBatch(pictures, at.sheets) : blank(),
    input_ids: i64(dims, scored.inputIds.flat()),
    attention_mask: repeated(mask),
    image_index: repeated(imageIndex),
    ...lossFeeds(scored),
  }
}

function fillUp(answer: readonly number[], length: number): number[] {
  return [...answer, ...new Array<number>(length - answer.length).fill(SPECIAL_IDS.eos)]
}

/** Every answer token is scored at the position before it. */
function nextToken(
  rows: readonly TargetRow[],
): Pick<NoisedBatch, 'inputIds' | 'positions' | 'targets' | 'weights'> {
  const seq = rows[0]!.inputIds.length
  const found = rows.flatMap(({ labels }, row) =>
    labels.flatMap((label, i) => (label === IGNORED ? [] : [{ position: row * seq + i - 1, label }])),
  )
  return {
    inputIds: rows.map(({ inputIds }) => [...inputIds]),
    positions: found.map(({ position }) => position),
    targets: found.map(({ label }) => label),
    weights: found.map(() => 1 / found.length),
  }
}

function blank(): Tensor<'u8'> {
  return {
    dtype: 'u8',
    dims: [1, PICTURE_SIZE, PICTURE_SIZE, 3],
    data: new Uint8Array(PICTURE_SIZE * PICTURE_SIZE * 3),
  }
}
