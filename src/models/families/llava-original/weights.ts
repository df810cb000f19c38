/** @file Names of the authors' tensors. */

/** Module names of the graph and of the files. @see specs/ar-vlms.md §1.2 */
const renamed: readonly [canonical: string, stored: string][] = [
  ['language_model.', 'model.'],
  ['vision_tower.', 'model.vision_tower.vision_tower.'],
  ['multi_modal_projector.linear_1.', 'model.mm_projector.0.'],
  ['multi_modal_projector.linear_2.', 'model.mm_projector.2.'],
]

/**
 * Canonical names are LLaVA's in the layout of Hugging Face.
 * @example llavaOriginalSpellings('multi_modal_projector.linear_2.bias') //
 *   ['model.mm_projector.2.bias']
 */
export function llavaOriginalSpellings(name: string): string[] {
  const [canonical, stored] = renamed.find(([prefix]) => name.startsWith(prefix)) ?? ['', '']
  return [stored + name.slice(canonical.length)]
}
