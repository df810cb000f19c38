/**
 * @file The prompt of an item by a checkpoint's chat template: what processors of chat models
 * share.
 */

import { loadChatTemplate } from '../../inputs/text/chat-template.ts'
import { FamilyError } from './errors.ts'
import type { Processor } from './family.ts'
import { instructionEnd, itemText } from './prompt.ts'

/** Items can't be put into words: neither the folder nor a contract says how. */
export function noTemplate(dir: string): FamilyError {
  return new FamilyError('no-template', {
    message: `${dir} has no chat template`,
    hint:
      'Fetch chat_template.jinja or tokenizer_config.json from the repository of the weights, or write ' +
      "the prompt into an embedder.json: 'A contract of your own' in docs/embedding.md.",
  })
}

/**
 * One user turn: the pictures, then instruction and text. Rendering throws `family/no-template` for
 * a folder without a template.
 * @throws TextError `text/chat-template`
 */
export async function loadChat(dir: string): Promise<Pick<Processor, 'render' | 'prompt'>> {
  const template = await loadChatTemplate(dir)
  const render: Processor['render'] = (messages) => {
    if (template !== undefined) return template.render(messages)
    throw noTemplate(dir)
  }
  return {
    render,
    prompt(parts) {
      const placeholders = Array.from({ length: parts.images }, () => ({ type: 'image' as const }))
      const prompt = render([
        { role: 'user', content: [...placeholders, { type: 'text', text: itemText(parts) }] },
      ])
      return { prompt, instructionEnd: instructionEnd(prompt, parts) }
    },
  }
}
