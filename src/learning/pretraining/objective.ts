/**
 * @file The objectives of twins: tokens scored at the position before them, or under masks. Of a
 * twin that reads codes both follow MMaDA, which learns pictures from words too.
 */

import { type Random, stream } from '../../foundation/numeric/random.ts'
import {
  drawNoise,
  IGNORED,
  type LossFeeds,
  lossFeeds,
  type NoisedBatch,
  noise,
  type TargetRow,
} from './masked-diffusion.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

export type Objective = 'next-token' | 'masked-diffusion'

/** Ids as the model gets them, and what is scored at which flat positions. */
export type Scored = Pick<NoisedBatch, 'inputIds' | 'positions' | 'targets' | 'weights'>

/** Every target is scored at the position before it; all count alike. */
export function nextToken(rows: readonly TargetRow[]): Scored {
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

/** LaViDa's: two copies with complementary masks, all targets count alike. */
export function complementary(rows: readonly TargetRow[], random: Random): Scored {
  return noise(rows, drawNoise(rows.length, rows[0]!.inputIds.length, random), { maskId: SPECIAL_IDS.mask })
}

/**
 * MMaDA's of words: each row is masked once, to a degree of its own, and counts the inverse of that
 * degree. @see specs/mmada.md §6.2
 */
export function inverseDegree(rows: readonly TargetRow[], random: Random): Scored {
  return noise(rows, drawNoise(rows.length, rows[0]!.inputIds.length, random), {
    maskId: SPECIAL_IDS.mask,
    complementary: false,
    weighting: 'inverse-p',
    masking: 'below',
  })
}

/**
 * MMaDA's of pictures: a share of a row's codes, by a cosine, is masked; those and the marks around
 * the picture, which stay to be seen, count alike. @see specs/mmada.md §6.2
 * @param rows their targets are the marks and the codes between them
 */
export function maskedPictures(rows: readonly TargetRow[], random: Random): Scored {
  const seq = rows[0]!.inputIds.length
  const scored: Scored = { inputIds: [], positions: [], targets: [], weights: [] }
  for (const [row, { inputIds, labels }] of rows.entries()) {
    const targets = labels.flatMap((label, i) => (label === IGNORED ? [] : [i]))
    const codes = targets.slice(1, -1)
    const masked = Math.max(1, halfToEven(codes.length * Math.cos((Math.PI * random()) / 2)))
    const hidden = new Set(
      codes
        .map((position) => ({ position, draw: random() }))
        .sort((a, b) => a.draw - b.draw)
        .slice(0, masked)
        .map(({ position }) => position),
    )
    scored.inputIds.push(inputIds.map((id, i) => (hidden.has(i) ? SPECIAL_IDS.mask : id)))
    for (const position of [targets[0]!, ...hidden, targets.at(-1)!].sort((a, b) => a - b)) {
      scored.positions.push(row * seq + position)
      scored.targets.push(labels[position]!)
    }
  }
  return { ...scored, weights: scored.positions.map(() => 1 / scored.positions.length) }
}

function halfToEven(value: number): number {
  const down = Math.floor(value)
  const rest = value - down
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down
}

/** Terms of a loss in one batch: their rows stand below each other, their losses add up. */
export function together(terms: readonly Scored[]): Scored & { feeds: LossFeeds } {
  const seq = terms[0]!.inputIds[0]!.length
  const all: Scored = { inputIds: [], positions: [], targets: [], weights: [] }
  for (const { inputIds, positions, targets, weights } of terms) {
    const from = all.inputIds.length * seq
    all.inputIds.push(...inputIds)
    all.positions.push(...positions.map((position) => from + position))
    all.targets.push(...targets)
    all.weights.push(...weights)
  }
  return { ...all, feeds: lossFeeds(all) }
}

/** The stream of masks of a step. */
export const masksOf = (seed: number, step: number, term: 'noise' | 'pictures'): Random =>
  stream(seed, term, step)
