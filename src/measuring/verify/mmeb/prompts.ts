/** @file The finished prompt of an item under a published preset. */

import type { Item } from '../../../inputs/data/item.ts'
import { type PresetName, presets } from '../../../models/embedder/presets.ts'
import { templatePrompt } from '../../../models/embedder/template.ts'
import { VerifyError } from '../errors.ts'

/** The parts of a prompt: an item, whose pictures need not be read. */
export type Prompted = Pick<Item, 'instruction' | 'text'> & { readonly pictures: number }

/** Makes prompts with the token that the preset's backbone has for a picture. */
export function promptOf(name: PresetName, { instruction, text, pictures }: Prompted): string {
  const { template, placeholder } = presets[name].contract.prompt
  if (template !== undefined)
    return templatePrompt(template, { instruction, text, images: pictures }, placeholder).prompt
  throw new VerifyError('fixture', {
    message: `the fixture expects prompts of the preset ${name}, which leaves them to the chat template`,
    hint: 'Is the fixture newer than this version?',
  })
}

/** The token that a kept placeholder becomes. */
export function imageTokenOf(name: PresetName): string {
  return presets[name].contract.prompt.placeholder ?? '<image>'
}
