/**
 * @file MMaDA's prompt: a picture's ids first, then a chat in which nothing marks its place.
 * @see specs/mmada.md §4.1, §7.2
 */

import type { ChatMessage } from '../../../inputs/text/chat-template.ts'
import type { Tokenizer } from '../../../inputs/text/tokenizer.ts'
import { FamilyError } from '../errors.ts'
import type { PromptParts } from '../family.ts'

/**
 * LLaDA's chat with one newline after each header, as the reference's demo sets it; for folders
 * that bring no template.
 */
export const TEMPLATE =
  "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n' + message['content'] | trim + '<|eot_id|>' %}" +
  '{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}' +
  "{{ '<|start_header_id|>assistant<|end_header_id|>\\n' }}"

/** Placeholders of pictures in prompts of other models, with the space or newline after them. */
const PLACEHOLDERS = /(<image>|<\|image_\d+\|>)[ \n]?/g

/** A prompt without placeholders, and how many it had. */
export function withoutPlaceholders(prompt: string): { text: string; placeholders: number } {
  return { text: prompt.replace(PLACEHOLDERS, ''), placeholders: prompt.match(PLACEHOLDERS)?.length ?? 0 }
}

/** The template takes strings; pictures have no place in them. */
export function withTextContent(messages: readonly ChatMessage[]): ChatMessage[] {
  return messages.map(({ role, content }) => ({
    role,
    content:
      typeof content === 'string'
        ? content
        : content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join(''),
  }))
}

/**
 * Refuses words that a tokenizer would take for the model's own marks: a header or a mask within an
 * item's text.
 * @param reserved first id of those marks
 * @throws FamilyError `family/reserved-token`
 */
export function checkPlain(
  { instruction = '', text = '' }: PromptParts,
  tokenizer: Tokenizer,
  reserved: number | undefined,
): void {
  if (reserved === undefined) return
  for (const words of [instruction, text]) {
    const mark = tokenizer.addedTokens(withoutPlaceholders(words).text).find((id) => id >= reserved)
    if (mark === undefined) continue
    throw new FamilyError('reserved-token', {
      message: `the text holds a mark of the model's own: ${JSON.stringify(tokenizer.decode([mark]))}, with the reserved id ${mark}`,
      hint: "Take the model's own marks, such as <|eot_id|>, out of the text.",
    })
  }
}

/**
 * Cuts the words, never the closing header: what the last `<|eot_id|>` begins, or the last header
 * where turns end otherwise.
 * @throws FamilyError `family/too-long` when the rest alone does not fit
 */
export function cutContent(ids: readonly number[], room: number, tokenizer: Tokenizer): number[] {
  if (ids.length <= room) return [...ids]
  const [header, headerEnd, turnEnd] = ['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'].map(
    (token) => tokenizer.tokenId(token),
  )
  const opening = headerEnd === undefined ? 0 : ids.indexOf(headerEnd) + 1
  const last = ids.findLastIndex((id, at) => id === header && at > opening)
  const closing = last < 0 ? ids.length : ids[last - 1] === turnEnd ? last - 1 : last
  const kept = room - (ids.length - closing)
  if (kept >= opening && kept > 0) return [...ids.slice(0, kept), ...ids.slice(closing)]
  throw new FamilyError('too-long', {
    message: `picture and headers leave no room for words: ${opening + ids.length - closing} tokens in ${Math.max(0, room)} positions`,
    hint: 'Give fewer pictures, or fewer messages.',
  })
}
