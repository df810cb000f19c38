/**
 * @file Batches of the twins: the same pictures, prompts and answers in the same order; layout, and
 * what is masked and scored, differ.
 */

import { stream } from '../../foundation/numeric/random.ts'
import { i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { SampleKind } from '../../inputs/scenes/sample.ts'
import type { LossFeeds } from './masked-diffusion.ts'
import {
  complementary,
  inverseDegree,
  maskedPictures,
  masksOf,
  nextToken,
  type Objective,
  type Scored,
  together,
} from './objective.ts'
import { drawBatch } from './pictures.ts'
import { PICTURE_SIZE } from './recipe.ts'
import {
  imagePositions,
  isPlainText,
  lengthOf,
  pictureRow,
  type Row,
  rowOf,
  type Shown,
  targetRow,
} from './rows.ts'
import type { TowerWorld } from './tower-batch.ts'
import type { TwinSamples } from './twin-samples.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

export interface TwinBatchOptions {
  objective: Objective
  /** Seed of the masks and number of the batch. */
  seed: number
  step: number
  /**
   * Whether the batch is learnt, not measured. Of masked diffusion, the end tokens that fill an
   * answer up to the longest of its batch are then learnt too (specs/lavida.md §6.1; plain texts
   * aren't filled); of codes, pictures are learnt from words, and masks are MMaDA's.
   */
  learning: boolean
}

/** Answers that describe a picture, from which it can be made. */
const DESCRIBING: ReadonlySet<SampleKind> = new Set(['caption', 'label', 'silhouette'])
/** Share of pictures that are learnt without words. @see specs/mmada.md §6.4 */
const UNCONDITIONED = 0.1

/** A picture as rows show it: codes where a twin reads them. */
export function shownAt({ pictures, codes }: TwinSamples, i: number): Shown {
  return pictures[i] === null ? undefined : (codes?.[i] ?? 'features')
}

/**
 * Feeds of `twinLoss`: `[rows, seq]` each; of a twin on features `pixels` `[pictures, 96, 96, 3]`
 * too.
 */
export type TwinFeeds = LossFeeds & {
  input_ids: Tensor<'i64'>
  attention_mask: Tensor<'i64'>
  image_index?: Tensor<'i64'>
  pixels?: Tensor<'u8'>
}

/** @param drawn with codes, for a twin that reads them */
export function twinBatch(
  at: TowerWorld,
  drawn: TwinSamples,
  { objective, seed, step, learning }: TwinBatchOptions,
): TwinFeeds {
  const rows = drawn.samples.map((sample, i) => rowOf(at, sample, shownAt(drawn, i)))
  const diffusion = objective === 'masked-diffusion'
  const answers = Math.max(...rows.map(({ answer }) => answer.length))
  const filled = rows.map((row, i) =>
    diffusion && learning && !isPlainText(drawn.samples[i]!)
      ? { ...row, answer: fillUp(row.answer, answers) }
      : row,
  )
  const made = learning ? pictureRows(at, drawn, seed, step) : []
  const seq = Math.max(...[...filled, ...made].map(lengthOf))
  const padded = (of: readonly Row[]) => of.map((row) => targetRow(row, seq))
  const noise = masksOf(seed, step, 'noise')
  const terms: { rows: readonly Row[]; scored: Scored }[] = [
    {
      rows: filled,
      scored: !diffusion
        ? nextToken(padded(filled))
        : drawn.codes !== undefined && learning
          ? inverseDegree(padded(filled), noise)
          : complementary(padded(filled), noise),
    },
  ]
  if (made.length > 0) {
    const targets = padded(made)
    const scored = diffusion ? maskedPictures(targets, masksOf(seed, step, 'pictures')) : nextToken(targets)
    terms.push({ rows: made, scored })
  }
  const { inputIds, feeds } = together(terms.map(({ scored }) => scored))
  const dims = [inputIds.length, seq]
  // Copies of a batch stand below each other.
  const repeated = (values: (row: Row) => number[]) =>
    i64(
      dims,
      terms.flatMap(({ rows: own, scored }) => {
        const once = own.flatMap(values)
        return Array.from({ length: scored.inputIds.length / own.length }, () => once).flat()
      }),
    )
  const batch = {
    input_ids: i64(dims, inputIds.flat()),
    attention_mask: repeated((row) => Array.from({ length: seq }, (_, i) => (i < lengthOf(row) ? 1 : 0))),
    ...feeds,
  }
  if (drawn.codes !== undefined) return batch
  const numbers = new Map(filled.filter(({ hasFeatures }) => hasFeatures).map((row, i) => [row, i]))
  const pictures = drawn.pictures.filter((picture) => picture !== null)
  return {
    ...batch,
    // A text-only batch sees one blank picture that no row points at: the graph stays one.
    pixels: pictures.length > 0 ? drawBatch(pictures, at.sheets) : blank(),
    image_index: repeated((row) => {
      const number = numbers.get(row)
      const own = number === undefined ? [] : imagePositions(number)
      return [...own, ...new Array<number>(seq - own.length).fill(-1)]
    }),
  }
}

/** Pictures to be made from the answers that describe them; none where answers do not. */
function pictureRows(
  at: TowerWorld,
  { samples, codes = [] }: TwinSamples,
  seed: number,
  step: number,
): Row[] {
  const random = stream(seed, 'unconditioned', step)
  return samples.flatMap(({ kind, answer }, i) => {
    const own = codes[i]
    if (!DESCRIBING.has(kind) || own === undefined || own === null) return []
    return [pictureRow(at, random() < UNCONDITIONED ? undefined : answer, own)]
  })
}

function fillUp(answer: readonly number[], length: number): number[] {
  return [...answer, ...new Array<number>(length - answer.length).fill(SPECIAL_IDS.eos)]
}

function blank(): Tensor<'u8'> {
  return {
    dtype: 'u8',
    dims: [1, PICTURE_SIZE, PICTURE_SIZE, 3],
    data: new Uint8Array(PICTURE_SIZE * PICTURE_SIZE * 3),
  }
}
