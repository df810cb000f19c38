/** @file The words of an item to embed: instruction and text, before a family's template. */

import type { PromptParts } from './family.ts'

/** Instruction and text on a line each; either may be absent. */
export function itemText({ instruction = '', text = '' }: PromptParts): string {
  return [instruction, text].filter((part) => part !== '').join('\n')
}

/**
 * Where the instruction ends in a rendered prompt, in characters; 0 when there is none or the
 * template changed it.
 * @example instructionEnd('USER: Find a cat.\nblack ASSISTANT:', { instruction: 'Find a cat.',
 *   text: 'black', images: 0 }) // 17
 */
export function instructionEnd(prompt: string, parts: PromptParts): number {
  const { instruction = '' } = parts
  if (instruction === '') return 0
  const at = prompt.lastIndexOf(itemText(parts))
  return at < 0 ? 0 : at + instruction.length
}
