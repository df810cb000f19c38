/**
 * @file Names of the Qwen family's tensors: published files of the older models, and files of newer
 * releases.
 */

/**
 * Canonical → stored.
 * @param prefix of a model that is a part of another one (Qwen2.5-Omni's `thinker`)
 * @see specs/ar-vlms.md §0.3
 * @example qwenVlSpellings('language_model.norm.weight') // ['model.norm.weight',
 *   'model.language_model.norm.weight']
 */
export function qwenVlSpellings(name: string, prefix?: string): string[] {
  if (prefix !== undefined) return qwenVlSpellings(name).map((spelled) => `${prefix}.${spelled}`)
  if (name === 'lm_head.weight') return [name]
  const text = /^language_model\.(.*)$/.exec(name)?.[1]
  return text === undefined ? [name, `model.${name}`] : [`model.${text}`, `model.${name}`]
}

/**
 * Canonical → the name in a model that transformers 4.52 or newer has opened. A part of another
 * model keeps the names of the files.
 */
export function qwenVlRuntimeName(name: string, prefix?: string): string {
  if (prefix !== undefined) return qwenVlSpellings(name, prefix)[0] ?? name
  return name === 'lm_head.weight' ? name : `model.${name}`
}
