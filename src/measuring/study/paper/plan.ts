/**
 * @file The plan `paper` as data: which models are tuned and scored, with which seeds, under which
 * mask, on how many of the training rows.
 */

import { TWIN_TRAINING } from '../../../learning/pretraining/recipe.ts'
import type { Cell } from './factors.ts'

/** A kind of model: a twin's name, and its place in the design where it has one. */
interface Arm {
  readonly name: string
  readonly cell?: Omit<Cell, 'mask'>
  /** Stands beside the design: its compute is that of the next-token arm of its picture path. */
  readonly equalCompute?: true
}

/**
 * How a run differs from the ordinary one: `captions` has each picture replaced by its caption, in
 * training and test rows; `aligned-first` puts a short training of the picture path alone, on
 * pictures and captions, before everything else.
 */
export const CONDITIONS = ['plain', 'captions', 'aligned-first'] as const
export type Condition = (typeof CONDITIONS)[number]

export interface PaperPlan {
  readonly arms: readonly Arm[]
  /** Seeds of pretraining, and of tuning under each model's own mask and under the other one. */
  readonly pretraining: readonly number[]
  readonly tuning: readonly number[]
  readonly otherMask: readonly number[]
  /** Seeds of tuning under the two conditions that test whether alignment is the cause. */
  readonly captions: readonly number[]
  readonly alignedFirst: readonly number[]
  /** Shares of the training rows, with the first seeds alone; the whole is among the other runs. */
  readonly shares: readonly number[]
}

const SEED = TWIN_TRAINING.seed

/** In the order in which runs are made: first those without which nothing can be told. */
export const PAPER_PLAN: PaperPlan = {
  arms: [
    { name: 'twin-ar', cell: { objective: 'next-token', pictures: 'aligned' } },
    { name: 'twin-diffusion', cell: { objective: 'masked-diffusion', pictures: 'aligned' } },
    { name: 'twin-ar-discrete', cell: { objective: 'next-token', pictures: 'discrete' } },
    { name: 'twin-discrete', cell: { objective: 'masked-diffusion', pictures: 'discrete' } },
  ],
  pretraining: [SEED, SEED + 1, SEED + 2],
  tuning: [7, 8, 9],
  otherMask: [7],
  captions: [],
  alignedFirst: [],
  shares: [0.01, 0.05, 0.1, 0.25, 0.5],
}

/**
 * The arm of equal compute, with all seeds; arms outside the design, one pretraining each; the two
 * conditions; and the other mask with all seeds of tuning.
 */
const PAPER_EXTRAS = {
  equalCompute: {
    name: 'twin-diffusion-half',
    cell: { objective: 'masked-diffusion', pictures: 'aligned' },
    equalCompute: true,
  },
  arms: [
    { name: 'twin-adapted' },
    { name: 'twin-ar-unaligned' },
    { name: 'twin-diffusion-unaligned' },
    { name: 'twin-discrete-aligned' },
    { name: 'twin-discrete-6' },
  ],
  pretraining: [SEED],
  captions: [7],
  alignedFirst: [7],
  otherMask: [8, 9],
} as const satisfies Partial<PaperPlan> & { equalCompute: Arm }

/** Arms that have a place in the factor table. */
export function designedArms({ arms }: Pick<PaperPlan, 'arms'>): readonly Arm[] {
  return [...arms, PAPER_EXTRAS.equalCompute]
}

/** One tuning, and the scores of its model before and after. */
export interface PaperRun {
  readonly arm: Arm
  readonly pretraining: number
  readonly tuning: number
  readonly mask: Cell['mask']
  readonly condition: Condition
  /** Share of the training rows. */
  readonly share: number
}

/** Names a run in files. */
export function runId({ arm, pretraining, tuning, mask, condition, share }: PaperRun): string {
  const parts = [
    `${arm.name}-${pretraining}-${tuning}`,
    ...(mask === 'native' ? [] : ['other-mask']),
    ...(condition === 'plain' ? [] : [condition]),
    ...(share === 1 ? [] : [`${share * 100}-percent`]),
  ]
  return parts.join('-')
}

/** All runs of a plan, in order. */
export function runsOf(plan: PaperPlan, { extras = false }: { extras?: boolean } = {}): PaperRun[] {
  const { arms, pretraining, tuning, otherMask, captions, alignedFirst, shares } = plan
  const ordinary = { mask: 'native', condition: 'plain', share: 1 } as const
  const runs = (
    of: readonly Arm[],
    seeds: readonly number[],
    tunings: readonly number[],
    changed: Partial<Pick<PaperRun, 'mask' | 'condition' | 'share'>> = {},
  ) =>
    // Seeds outermost: a plan that is stopped has whole replicates.
    seeds.flatMap((first) =>
      tunings.flatMap((second) =>
        of.map((arm): PaperRun => ({ arm, pretraining: first, tuning: second, ...ordinary, ...changed })),
      ),
    )
  const first = [pretraining.slice(0, 1), tuning.slice(0, 1)] as const
  const tests = (
    of: readonly Arm[],
    seeds: readonly number[],
    chosen: Pick<PaperPlan, 'captions' | 'alignedFirst'>,
  ) => [
    ...runs(of, seeds, chosen.captions, { condition: 'captions' }),
    ...runs(of, seeds, chosen.alignedFirst, { condition: 'aligned-first' }),
  ]
  return [
    ...runs(arms, pretraining, tuning),
    ...runs(arms, pretraining, otherMask, { mask: 'other' }),
    ...shares.flatMap((share) => runs(arms, ...first, { share })),
    ...tests(arms, pretraining, { captions, alignedFirst }),
    ...(extras
      ? [
          ...tests(arms, pretraining, PAPER_EXTRAS),
          ...runs([PAPER_EXTRAS.equalCompute], pretraining, tuning),
          ...runs(PAPER_EXTRAS.arms, PAPER_EXTRAS.pretraining, tuning),
          ...runs(arms, pretraining, PAPER_EXTRAS.otherMask, { mask: 'other' }),
        ]
      : []),
  ]
}
