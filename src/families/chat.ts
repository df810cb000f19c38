/** @file The prompt of an item by a checkpoint's chat template: what processors of chat models share. */

import { loadChatTemplate } from '../text/chat-template.ts'
import { FamilyError } from './errors.ts'
import type { Processor } from './family.ts'
import { instructionEnd, itemText } from './prompt.ts'

/**
 * One user turn: the pictures, then instruction and text. Rendering throws `family/no-template` for a folder without a template.
 * @throws TextError `text/chat-template`
 */
export async function loadChat(dir: string): Promise<Pick<Processor, 'render' | 'prompt'>> {
  const template = await loadChatTemplate(dir)
  const render: Processor['render'] = (messages) => {
    if (template !== undefined) return template.render(messages)
    throw new FamilyError('no-template', { message: `${dir} has no chat template`, hint: 'Give the finished prompt instead of messages.' })
  }
  return {
    render,
    prompt(parts) {
      const placeholders = Array.from({ length: parts.images }, () => ({ type: 'image' as const }))
      const prompt = render([{ role: 'user', content: [...placeholders, { type: 'text', text: itemText(parts) }] }])
      return { prompt, instructionEnd: instructionEnd(prompt, parts) }
    },
  }
}
