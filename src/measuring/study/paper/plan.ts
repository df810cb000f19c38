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
}

export interface PaperPlan {
  readonly arms: readonly Arm[]
  /** Seeds of pretraining, and of tuning under each model's own mask and under the other one. */
  readonly pretraining: readonly number[]
  readonly tuning: readonly number[]
  readonly otherMask: readonly number[]
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
  shares: [0.01, 0.05, 0.1, 0.25, 0.5],
}

/** Arms outside the design, one pretraining each, and the other mask with all seeds of tuning. */
const PAPER_EXTRAS = {
  arms: [
    { name: 'twin-adapted' },
    { name: 'twin-ar-unaligned' },
    { name: 'twin-diffusion-unaligned' },
    { name: 'twin-discrete-aligned' },
  ],
  pretraining: [SEED],
  otherMask: [8, 9],
} as const satisfies Partial<PaperPlan>

/** One tuning, and the scores of its model before and after. */
export interface PaperRun {
  readonly arm: Arm
  readonly pretraining: number
  readonly tuning: number
  readonly mask: Cell['mask']
  /** Share of the training rows. */
  readonly share: number
}

/** Names a run in files. */
export function runId({ arm, pretraining, tuning, mask, share }: PaperRun): string {
  const other = mask === 'native' ? '' : '-other-mask'
  return `${arm.name}-${pretraining}-${tuning}${other}${share === 1 ? '' : `-${share * 100}-percent`}`
}

/** All runs of a plan, in order. */
export function runsOf(plan: PaperPlan, { extras = false }: { extras?: boolean } = {}): PaperRun[] {
  const { arms, pretraining, tuning, otherMask, shares } = plan
  const runs = (
    of: readonly Arm[],
    seeds: readonly number[],
    tunings: readonly number[],
    mask: Cell['mask'],
    share = 1,
  ) =>
    // Seeds outermost: a plan that is stopped has whole replicates.
    seeds.flatMap((first) =>
      tunings.flatMap((second) =>
        of.map((arm): PaperRun => ({ arm, pretraining: first, tuning: second, mask, share })),
      ),
    )
  const first = [pretraining.slice(0, 1), tuning.slice(0, 1)] as const
  return [
    ...runs(arms, pretraining, tuning, 'native'),
    ...runs(arms, pretraining, otherMask, 'other'),
    ...shares.flatMap((share) => runs(arms, ...first, 'native', share)),
    ...(extras
      ? [
          ...runs(PAPER_EXTRAS.arms, PAPER_EXTRAS.pretraining, tuning, 'native'),
          ...runs(arms, pretraining, PAPER_EXTRAS.otherMask, 'other'),
        ]
      : []),
  ]
}
