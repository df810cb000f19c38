/**
 * @file Finds the modules that an adapter's config means, and the rank and scale of each, by PEFT's
 * rules.
 */

import type { AdapterConfig } from './adapter.ts'

/** PEFT's word for every linear layer but the head. */
const ALL_LINEAR = 'all-linear'

/** The keys of a config that choose modules. */
export type ModuleChoice = Pick<AdapterConfig, 'targets' | 'excluded' | 'saved' | 'layers' | 'layersPattern'>

/** The keys of a config that decide ranks and scales. */
type Scaling = Pick<AdapterConfig, 'rank' | 'alpha' | 'rankStabilised' | 'rankPattern' | 'alphaPattern'>

/**
 * Whether the config adapts a module. The caller knows that its weight is of a kind that PEFT
 * adapts.
 */
export function isTargeted(config: ModuleChoice, module: string): boolean {
  const { targets, excluded, saved } = config
  if (
    typeof excluded === 'string'
      ? matchesWhole(excluded, module)
      : excluded.some((name) => endsWithName(module, name))
  )
    return false
  if (saved.some((name) => pythonPattern(`^(?:|.*\\.)${name}(?:$|\\.)`).test(module))) return false
  if (typeof targets === 'string')
    return targets.toLowerCase() === ALL_LINEAR || matchesWhole(targets, module)
  // A full name matches in any layer.
  return (
    targets.includes(module) ||
    (targets.some((name) => endsWithName(module, name)) && isInLayers(config, module))
  )
}

/** Whether a tensor lies in a module that was trained whole. */
export function isSaved({ saved }: Pick<AdapterConfig, 'saved'>, tensor: string): boolean {
  const path = tensor.split('.')
  return path.some((_, depth) => saved.some((name) => path.slice(0, depth).join('.').endsWith(name)))
}

/** `alpha / rank` of one module (by square root where rank-stabilised), patterns applied. */
export function scaleOf(config: Scaling, module: string): number {
  const rank = rankOf(config, module)
  return (
    patternValue(config.alphaPattern, module, config.alpha) / (config.rankStabilised ? Math.sqrt(rank) : rank)
  )
}

export function rankOf(config: Pick<Scaling, 'rank' | 'rankPattern'>, module: string): number {
  return patternValue(config.rankPattern, module, config.rank)
}

/**
 * Compiles a regular expression of Python, which spells named groups in another way.
 * @throws SyntaxError when it is no regular expression
 */
export function pythonPattern(pattern: string): RegExp {
  return new RegExp(pattern.replaceAll('(?P<', '(?<'))
}

/** The value of the first pattern that matches the path, or its end after a dot. */
function patternValue(patterns: Readonly<Record<string, number>>, module: string, fallback: number): number {
  const found = Object.entries(patterns).find(([pattern]) => matchesEnd(pattern, module))
  return found?.[1] ?? fallback
}

/** Whether a pattern of ranks or alphas matches the path, or its end after a dot. */
export function matchesEnd(pattern: string, module: string): boolean {
  return pythonPattern(`^(?:.*\\.)?(?:${pattern})$`).test(module)
}

function isInLayers({ layers, layersPattern }: ModuleChoice, module: string): boolean {
  if (layers.length === 0) return true
  // The first number in the path is the layer's; a later one may be an expert's.
  const patterns =
    layersPattern.length === 0
      ? ['^.*?\\.[^.]*\\.(?<index>\\d+)\\.']
      : layersPattern.map((pattern) => `^(?:|.*?\\.)${pattern}\\.(?<index>\\d+)\\.`)
  const index = patterns
    .map((pattern) => pythonPattern(pattern).exec(module)?.groups?.index)
    .find((found) => found !== undefined)
  return index !== undefined && layers.includes(Number(index))
}

function matchesWhole(pattern: string, module: string): boolean {
  return pythonPattern(`^(?:${pattern})$`).test(module)
}

function endsWithName(module: string, name: string): boolean {
  return module === name || module.endsWith(`.${name}`)
}
