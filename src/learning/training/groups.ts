/** @file From the settings of an optimizer to its groups of parameters. */

import type { SessionOptions } from '../../engine/runtime/session.ts'
import { adamW } from './adamw.ts'
import { muon } from './muon.ts'
import type { Optimizer, ParameterGroup } from './optimizer.ts'
import type { OptimizerSettings } from './settings.ts'

/** Name of the parameters that no group of the settings takes. */
const REST = 'all others'
/** Ends the name of the part of a group that Muon leaves to AdamW. */
const BY_ADAMW = ', by AdamW'

export interface GroupOptions {
  /** The names of a parameter that expressions are looked for in; default: its own. */
  namesOf?: (parameter: string) => readonly string[]
  /** Runs Muon's iterations. */
  session?: Pick<SessionOptions, 'device' | 'threads' | 'thread'>
}

/**
 * The groups of the settings in their order, then the parameters that none of them takes. Where
 * Muon is the rule of the optimizer, a group is two: its matrices, and what Muon leaves to AdamW.
 */
export function groupsOf(
  settings: OptimizerSettings,
  { namesOf = (name) => [name], session = {} }: GroupOptions = {},
): ParameterGroup[] {
  const { betas, epsilon, momentum, scale } = settings
  const named = settings.groups.map((group) => ({ ...group, name: group.name ?? group.match }))
  return [...named, { name: REST, match: '' }].flatMap(({ name, match, learningRate, weightDecay, rule }) => {
    const pattern = new RegExp(match)
    const matches = (parameter: string) => namesOf(parameter).some((name) => pattern.test(name))
    const vectors = {
      name,
      accepts: matches,
      rule: adamW({
        betas,
        epsilon,
        weightDecay: weightDecay ?? settings.weightDecay,
        decays: weightDecay === undefined ? 'matrices' : 'all',
      }),
      learningRate: learningRate ?? settings.learningRate,
    }
    if ((rule ?? settings.name) === 'adamw') return [vectors]
    const matrices = {
      ...vectors,
      rule: muon({ momentum, scale, weightDecay: weightDecay ?? settings.weightDecay, session }),
    }
    if (rule === 'muon') return [matrices]
    return [
      { ...matrices, accepts: (parameter, dims) => dims.length === 2 && matches(parameter) },
      {
        ...vectors,
        name: `${name}, by AdamW`,
        learningRate: learningRate ?? settings.restLearningRate ?? settings.learningRate,
      },
    ] satisfies ParameterGroup[]
  })
}

/** The groups of the settings that took no parameter: their expressions are likely misspelt. */
export function emptyGroups(settings: OptimizerSettings, { groups }: Pick<Optimizer, 'groups'>): string[] {
  const taking = new Set(
    groups.flatMap(({ name, parameters }) =>
      parameters.length > 0 ? [name, name.replace(BY_ADAMW, '')] : [],
    ),
  )
  return settings.groups.map(({ name, match }) => name ?? match).filter((name) => !taking.has(name))
}
