/** @file An optimizer over groups of parameters, each with its own rule and peak learning rate. */

import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { type NamedArrays, restoreArrays } from './arrays.ts'
import { TrainingError } from './errors.ts'

/** Arguments of one update. */
/** Bounds of a parameter. */
export interface Limit {
  least?: number
  most?: number
}

export interface UpdateStep {
  /** Number of updates done before; bias corrections use `step + 1`. */
  step: number
  learningRate: number
  /** Factor for all gradients, from clipping. */
  gradientScale: number
}

/** A rule that runs on a set of parameters, which it updates in place. */
interface RunningRule {
  /**
   * Moments and the like, `<parameter>/<moment>`. The next update depends on these, the parameters
   * and the step alone.
   */
  readonly state: NamedArrays
  update(gradients: NamedArrays, at: UpdateStep): Promise<void>
  close(): Promise<void>
}

/** An update rule, e.g. `adamW()`; `start` binds it to parameters. */
export interface UpdateRule {
  start(parameters: NamedArrays): Promise<RunningRule>
}

export interface ParameterGroup {
  /**
   * Says whether a parameter belongs here. The first group that accepts it takes it. Default: all.
   */
  accepts?: (name: string, dims: readonly number[]) => boolean
  rule: UpdateRule
  /** Peak learning rate; the schedule gives the factor. */
  learningRate: number
}

export interface Optimizer {
  readonly state: NamedArrays
  /**
   * Updates all parameters in place.
   * @param gradients one for each parameter
   * @param at        `factor` scales each group's peak learning rate
   * @throws TrainingError `training/no-gradient` when one is missing; nothing is updated then
   */
  update(gradients: NamedArrays, at: { step: number; factor: number; gradientScale: number }): Promise<void>
  /** @throws TrainingError `training/optimizer-state` when names or dims differ from `state` */
  restore(state: Readonly<Record<string, Tensor>>): void
  close(): Promise<void>
}

/**
 * @example
 * const optimizer = await openOptimizer(parameters, [
 *   { accepts: isBlockMatrix, rule: muon(), learningRate: 0.02 },
 *   { rule: adamW(), learningRate: 1e-3 },
 * ])
 * @throws TrainingError `training/no-group` listing the parameters that no group accepts
 */
export async function openOptimizer(
  parameters: NamedArrays,
  groups: readonly ParameterGroup[],
): Promise<Optimizer> {
  const members = groups.map(() => new Map<string, Tensor<'f32'>>())
  const orphans: string[] = []
  for (const [name, parameter] of Object.entries(parameters)) {
    const index = groups.findIndex(({ accepts }) => accepts === undefined || accepts(name, parameter.dims))
    if (index < 0) orphans.push(name)
    else members[index]!.set(name, parameter)
  }
  if (orphans.length > 0) {
    throw new TrainingError('no-group', {
      message: `no group of the optimizer accepts ${orphans.join(', ')}`,
      hint: 'Let the last group accept every parameter.',
    })
  }
  const running: { rule: RunningRule; learningRate: number; names: string[] }[] = []
  for (const [index, { rule, learningRate }] of groups.entries()) {
    const own = members[index]!
    if (own.size > 0)
      running.push({ rule: await rule.start(Object.fromEntries(own)), learningRate, names: [...own.keys()] })
  }
  const state = Object.assign({}, ...running.map(({ rule }) => rule.state)) satisfies NamedArrays
  return {
    state,
    async update(gradients, { step, factor, gradientScale }) {
      requireGradients(parameters, gradients)
      for (const { rule, learningRate, names } of running) {
        const own = Object.fromEntries(names.map((name) => [name, gradients[name]!]))
        await rule.update(own, { step, learningRate: learningRate * factor, gradientScale })
      }
    },
    restore: (saved) =>
      restoreArrays(state, saved, (problems) => {
        throw new TrainingError('optimizer-state', {
          message: `the saved state of the optimizer does not fit: ${problems.join('; ')}`,
          hint: 'It was saved by another optimizer or for other parameters: start in an empty folder.',
        })
      }),
    close: async () => {
      for (const { rule } of running) await rule.close()
    },
  }
}

function requireGradients(parameters: NamedArrays, gradients: NamedArrays): void {
  const missing = Object.keys(parameters).filter((name) => !Object.hasOwn(gradients, name))
  if (missing.length === 0) return
  throw new TrainingError('no-gradient', {
    message: `the step gave no gradient for ${missing.join(', ')}`,
    hint: 'Train only what every batch uses, or let the graph give zeros.',
  })
}
