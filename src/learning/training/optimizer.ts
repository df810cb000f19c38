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
  learningRate: number
  /** Factor for all gradients, from clipping. */
  gradientScale: number
}

/** A rule that runs on a set of parameters, which it updates in place. */
interface RunningRule {
  /**
   * Moments and the like, `<parameter>/<moment>`. The next update depends on these, the parameters
   * and the rate alone.
   */
  readonly state: NamedArrays
  /** @param gradients of the parameters to update; the others and their state stay as they are */
  update(gradients: NamedArrays, at: UpdateStep): Promise<void>
  close(): Promise<void>
}

/** An update rule, e.g. `adamW()`; `start` binds it to parameters. */
export interface UpdateRule {
  start(parameters: NamedArrays): Promise<RunningRule>
}

export interface ParameterGroup {
  /** For the log and the plan; default: its number, from 1. */
  name?: string
  /**
   * Says whether a parameter belongs here. The first group that accepts it takes it. Default: all.
   */
  accepts?: (name: string, dims: readonly number[]) => boolean
  rule: UpdateRule
  /** Peak learning rate; the schedule gives the factor. */
  learningRate: number
}

export interface OptimizerOptions {
  /** Bounds by parameter: its values are brought back into them after each update. */
  limits?: Readonly<Record<string, Limit>>
}

interface OptimizerUpdate {
  /** Scales each group's peak learning rate. */
  factor: number
  /** Factor for all gradients, from clipping. */
  gradientScale: number
  /** Parameters that this update does not use; they and their moments stay as they are. */
  idle?: readonly string[]
}

export interface Optimizer {
  readonly state: NamedArrays
  /** The groups in their order, also those that took no parameter. */
  readonly groups: readonly { name: string; parameters: readonly string[]; learningRate: number }[]
  /**
   * Updates all parameters in place.
   * @param gradients one for each parameter that is not idle
   * @throws TrainingError `training/no-gradient` when one is missing; nothing is updated then
   */
  update(gradients: NamedArrays, at: OptimizerUpdate): Promise<void>
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
  { limits = {} }: OptimizerOptions = {},
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
    groups: groups.map(({ name, learningRate }, index) => ({
      name: name ?? String(index + 1),
      parameters: [...members[index]!.keys()],
      learningRate,
    })),
    async update(gradients, { factor, gradientScale, idle = [] }) {
      const resting = new Set(idle)
      requireGradients(parameters, gradients, resting)
      for (const { rule, learningRate, names } of running) {
        const used = names.filter((name) => !resting.has(name))
        const own = Object.fromEntries(used.map((name) => [name, gradients[name]!]))
        await rule.update(own, { learningRate: learningRate * factor, gradientScale })
      }
      for (const [name, limit] of Object.entries(limits)) bring(parameters[name], limit)
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

function bring(
  parameter: Tensor<'f32'> | undefined,
  { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: Limit,
): void {
  if (parameter === undefined) return
  const { data } = parameter
  for (let i = 0; i < data.length; i++) data[i] = Math.min(most, Math.max(least, data[i]!))
}

function requireGradients(parameters: NamedArrays, gradients: NamedArrays, idle: ReadonlySet<string>): void {
  const missing = Object.keys(parameters).filter((name) => !Object.hasOwn(gradients, name) && !idle.has(name))
  if (missing.length === 0) return
  throw new TrainingError('no-gradient', {
    message: `the step gave no gradient for ${missing.join(', ')}`,
    hint: 'Train only what every batch uses, or let the step name what it does not use.',
  })
}
