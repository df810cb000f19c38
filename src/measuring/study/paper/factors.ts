/**
 * @file The factor table: points of hit@1 that objective, picture path and mask cost, and how much
 * one depends on the other. Effects are contrasts over the cells of a factorial design; intervals
 * cover trainings and test rows.
 * @see Montgomery 2017, "Design and analysis of experiments", §6 (2^k designs)
 */

import type { BootstrapOptions } from '../../../foundation/numeric/bootstrap.ts'
import { type HierarchicalInterval, hierarchicalInterval } from '../../../foundation/numeric/hierarchical.ts'
import { META_TASKS, type MetaTask } from '../../../inputs/data/task.ts'
import { type Drawn, drawnIn, drawsOf, groupBy } from './draws.ts'

/** The first level of each factor is the one that effects are counted towards. */
export const FACTORS = {
  objective: ['next-token', 'masked-diffusion'],
  pictures: ['aligned', 'discrete'],
  mask: ['native', 'other'],
} as const
type Factor = keyof typeof FACTORS
export type Cell = { readonly [F in Factor]: (typeof FACTORS)[F][number] }

/** One model, pretrained, tuned and scored. */
export interface FactorRun {
  readonly cell: Cell
  /** Pretrained with the compute of its next-token sibling, not with its updates. */
  readonly equalCompute?: true
  /** Seeds of the pretraining and of the tuning; models scored as they are have no second. */
  readonly pretraining: number
  readonly tuning?: number
  /** `[tasks][rows]` hit@1. */
  readonly hits: readonly ArrayLike<number>[]
}

export interface FactorTask {
  readonly name: string
  readonly metaTask: MetaTask
  readonly domain: 'in' | 'out'
  /** `[rows]` */
  readonly clusters: readonly string[]
}

/** Tasks that an effect is measured over. */
export interface FactorScope {
  readonly metaTask: MetaTask | 'all'
  readonly domain: 'in' | 'out' | 'all'
}

export interface FactorEffect {
  /**
   * One factor: first level − second. Two: by how much that difference is larger at the other's
   * first level.
   */
  readonly factors: readonly Factor[]
  /**
   * Of objectives on aligned pictures alone: what both had as much of. Effects of the design have
   * none; their models had equal updates.
   */
  readonly equal?: (typeof EQUALS)[number]
  readonly scope: FactorScope
  /** Shares of 1, not points. */
  readonly interval: HierarchicalInterval
  readonly drawn: Drawn
  /** Draws of each kind of model. */
  readonly draws: readonly number[]
}

/** Effects of the table: those of the mask need runs with both masks. */
const EFFECTS: readonly (readonly Factor[])[] = [
  ['objective'],
  ['pictures'],
  ['objective', 'pictures'],
  ['mask'],
  ['objective', 'mask'],
  ['pictures', 'mask'],
]

/** Models of two objectives are compared at equal amounts of one of these. */
export const EQUALS = ['compute', 'updates'] as const

const DOMAINS = ['all', 'in', 'out'] as const

/**
 * All effects that the runs can tell, over all scopes that have tasks. Objective and picture path
 * are compared under each model's own mask. An effect whose cells are not all there is left out.
 */
export function factorTable(
  runs: readonly FactorRun[],
  tasks: readonly FactorTask[],
  options: BootstrapOptions,
): FactorEffect[] {
  const design = runs.filter(({ equalCompute }) => equalCompute === undefined)
  return EFFECTS.flatMap((factors) => {
    const chosen = runsFor(factors, design)
    if (chosen === undefined) return []
    return scopesIn(tasks).map((scope) => effectOver(factors, chosen, tasks, scope, options))
  })
}

/**
 * Next token − masked diffusion on aligned pictures, each model under its own mask: at equal
 * compute, and at equal updates beside it. Empty without runs of equal compute.
 */
export function computeTable(
  runs: readonly FactorRun[],
  tasks: readonly FactorTask[],
  options: BootstrapOptions,
): FactorEffect[] {
  const own = runs.filter(({ cell }) => cell.pictures === 'aligned' && cell.mask === 'native')
  const [next, diffusion] = FACTORS.objective.map((one) => own.filter(({ cell }) => cell.objective === one))
  const equal = {
    compute: diffusion!.filter(({ equalCompute }) => equalCompute === true),
    updates: diffusion!.filter(({ equalCompute }) => equalCompute === undefined),
  }
  if (next!.length === 0 || equal.compute.length === 0) return []
  return EQUALS.flatMap((of) => {
    if (equal[of].length === 0) return []
    const chosen = { kinds: [next!, equal[of]], cells: 2 }
    return scopesIn(tasks).map((scope) => ({
      ...effectOver(['objective'], chosen, tasks, scope, options),
      equal: of,
    }))
  })
}

/** Runs behind an effect, by kind of model; undefined where a cell of the design has none. */
interface Chosen {
  /** Runs of one objective and picture path each. */
  readonly kinds: readonly (readonly FactorRun[])[]
  readonly cells: number
}

function runsFor(factors: readonly Factor[], runs: readonly FactorRun[]): Chosen | undefined {
  const masks = factors.includes('mask') ? FACTORS.mask : (['native'] as const)
  const kinds = FACTORS.objective.flatMap((objective) =>
    FACTORS.pictures.map((pictures) => {
      const own = runs.filter(
        ({ cell }) =>
          cell.objective === objective &&
          cell.pictures === pictures &&
          masks.some((mask) => mask === cell.mask),
      )
      // Masks are compared on the same trainings: a run counts where the other mask has it too.
      const key = ({ pretraining, tuning }: FactorRun) => `${pretraining} ${tuning}`
      const withMask = masks.map((mask) => new Set(own.filter(({ cell }) => cell.mask === mask).map(key)))
      return own.filter((run) => withMask.every((keys) => keys.has(key(run))))
    }),
  )
  return kinds.some((own) => own.length === 0) ? undefined : { kinds, cells: kinds.length * masks.length }
}

/** `±2^factors / cells`: a mean difference of one factor, or a difference of differences of two. */
function weightOf(cell: Cell, factors: readonly Factor[], cells: number): number {
  const sign = factors.reduce((own, factor) => (cell[factor] === FACTORS[factor][0] ? own : -own), 1)
  return (sign * 2 ** factors.length) / cells
}

function effectOver(
  factors: readonly Factor[],
  { kinds, cells }: Chosen,
  tasks: readonly FactorTask[],
  scope: FactorScope,
  options: BootstrapOptions,
): FactorEffect {
  const within = tasks.flatMap((task, i) => (isWithin(task, scope) ? [i] : []))
  const drawn = drawnIn(kinds)
  const strata = kinds.map((own) =>
    drawsOf(own, drawn).map((group) => contributionOf(group, factors, cells, within)),
  )
  return {
    factors,
    scope,
    interval: hierarchicalInterval(
      strata,
      within.map((task) => tasks[task]!.clusters),
      options,
    ),
    drawn,
    draws: strata.map((draws) => draws.length),
  }
}

/**
 * `[tasks][rows]`: of one draw, the mean over its runs of each cell, weighted and summed over
 * cells.
 */
function contributionOf(
  group: readonly FactorRun[],
  factors: readonly Factor[],
  cells: number,
  tasks: readonly number[],
): Float64Array[] {
  const byMask = groupBy(group, ({ cell }) => cell.mask)
  return tasks.map((task) => {
    const sums = new Float64Array(group[0]!.hits[task]!.length)
    for (const runs of byMask) {
      const weight = weightOf(runs[0]!.cell, factors, cells) / runs.length
      for (const { hits } of runs)
        for (let row = 0; row < sums.length; row++) sums[row]! += weight * hits[task]![row]!
    }
    return sums
  })
}

function isWithin({ metaTask, domain }: FactorTask, scope: FactorScope): boolean {
  return (
    (scope.metaTask === 'all' || scope.metaTask === metaTask) &&
    (scope.domain === 'all' || scope.domain === domain)
  )
}

function scopesIn(tasks: readonly FactorTask[]): FactorScope[] {
  return (['all', ...META_TASKS] as const)
    .flatMap((metaTask) => DOMAINS.map((domain) => ({ metaTask, domain })))
    .filter((scope) => tasks.some((task) => isWithin(task, scope)))
}
