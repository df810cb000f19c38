/** @file A contract's own prompt: slots for image, instruction and text. */

import type { PromptParts } from '../families/family.ts'

/** What stands for a picture in a finished prompt, in every family. */
const PLACEHOLDER = '<image>'

/**
 * Fills the slots `{image}`, `{instruction}`, `{text}`; a slot without a value is dropped together with the line break or space after it.
 * @example templatePrompt('{image}\n{instruction} {text}', { instruction: 'Find:', text: 'a cat', images: 0 }).prompt // 'Find: a cat'
 */
export function templatePrompt(template: string, { instruction, text, images }: PromptParts): { prompt: string; instructionEnd: number } {
  const values: Readonly<Record<string, string | undefined>> = {
    image: images === 0 ? undefined : Array.from({ length: images }, () => PLACEHOLDER).join(''),
    instruction,
    text,
  }
  let prompt = ''
  let instructionEnd = 0
  let from = 0
  for (const slot of template.matchAll(/\{(image|instruction|text)\}([\n ]?)/g)) {
    prompt += template.slice(from, slot.index)
    from = slot.index + slot[0].length
    const value = values[slot[1]!]
    if (value === undefined || value === '') continue
    prompt += value
    if (slot[1] === 'instruction') instructionEnd = prompt.length
    prompt += slot[2]
  }
  return { prompt: prompt + template.slice(from), instructionEnd }
}
