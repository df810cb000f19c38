/** @file Names of Idefics3's tensors: canonical are those of published files. */

/**
 * Canonical → stored; a model saved without its head leaves `model.` out.
 * @see specs/ar-vlms.md §5.2
 * @example idefics3Spellings('model.text_model.norm.weight') // ['model.text_model.norm.weight',
 *   'text_model.norm.weight']
 */
export function idefics3Spellings(name: string): string[] {
  return name.startsWith('model.') ? [name, name.slice('model.'.length)] : [name]
}
