/** @file Names of LLaVA's tensors: published files, and files saved by newer releases. */

/**
 * Canonical → stored.
 * @see specs/ar-vlms.md §0.3
 * @example llavaSpellings('language_model.norm.weight')[0] // language_model.model.norm.weight
 */
export function llavaSpellings(name: string): string[] {
  if (name === 'lm_head.weight') return ['language_model.lm_head.weight', name]
  const text = prefixed(name, 'language_model.')
  if (text !== undefined) return [`language_model.model.${text}`, `model.language_model.${text}`]
  const tower = prefixed(name, 'vision_tower.vision_model.')
  // The newest releases leave out the inner level of towers.
  if (tower !== undefined)
    return [name, `model.${name}`, `vision_tower.${tower}`, `model.vision_tower.${tower}`]
  return [name, `model.${name}`]
}

/** Canonical → the name in a model that transformers 4.52 or newer has opened. */
export function llavaRuntimeName(name: string): string {
  return name === 'lm_head.weight' ? name : `model.${name}`
}

function prefixed(name: string, prefix: string): string | undefined {
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined
}
