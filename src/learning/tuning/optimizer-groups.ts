/** @file Groups of an optimizer by regular expressions. */

import { adamW } from '../training/adamw.ts'
import { muon } from '../training/muon.ts'
import type { ParameterGroup } from '../training/optimizer.ts'
import type { OptimizerSettings } from '../training/settings.ts'

/**
 * The groups in their order, and one for the rest.
 * @param nameOf the name that the regular expressions are searched in
 */
export function parameterGroups(
  settings: OptimizerSettings,
  nameOf: (name: string) => string,
  threads?: number,
): ParameterGroup[] {
  const { betas, epsilon } = settings
  return [...settings.groups, { match: '' }].flatMap((group): ParameterGroup[] => {
    const {
      match,
      learningRate = settings.learningRate,
      weightDecay = settings.weightDecay,
      rule = settings.name,
    } = { ...group }
    const pattern = new RegExp(match)
    const accepts = (name: string) => pattern.test(nameOf(name))
    const rest = { accepts, rule: adamW({ betas, epsilon, weightDecay }), learningRate }
    if (rule === 'adamw') return [rest]
    const matrices = {
      accepts: (name: string, dims: readonly number[]) => dims.length === 2 && accepts(name),
      rule: muon({ session: { threads } }),
      learningRate,
    }
    return [matrices, rest]
  })
}
