/**
 * @file Names of the Qwen family's tensors: published files of the older models, and files of newer
 * releases.
 */

/**
 * Canonical → stored.
 * @see specs/ar-vlms.md §0.3
 * @example qwenVlSpellings('language_model.norm.weight') // ['model.norm.weight',
 *   'model.language_model.norm.weight']
 */
export function qwenVlSpellings(name: string): string[] {
  if (name === 'lm_head.weight') return [name]
  const text = /^language_model\.(.*)$/.exec(name)?.[1]
  return text === undefined ? [name, `model.${name}`] : [`model.${text}`, `model.${name}`]
}

/** Canonical → the name in transformers. @example qwenVlRuntimeName('lm_head.weight') // lm_head.weight */
export function qwenVlRuntimeName(name: string): string {
  return name === 'lm_head.weight' ? name : `model.${name}`
}
