/** @file A contract's own prompt: slots for image, instruction and text. */

import { z } from 'zod'
import { suggestion } from '../../foundation/numeric/suggestion.ts'
import type { PromptParts } from '../families/family.ts'
import { EmbedderError } from './errors.ts'

/** Stands for a picture in a finished prompt, in most families. */
const PLACEHOLDER = '<image>'

const SLOTS = ['image', 'instruction', 'text']

/** Braces may stand in a prompt; a word in them that is nearly a slot is a misspelt one. */
const promptSchema = z.string().superRefine((prompt, context) => {
  for (const [whole, word = ''] of prompt.matchAll(/\{(\w+)\}/g)) {
    const meant = SLOTS.includes(word) ? undefined : suggestion(word, SLOTS)
    if (meant === undefined) continue
    context.addIssue({ code: 'custom', message: `${whole} is no slot: did you mean {${meant}}?` })
  }
})

/** A prompt, or one for each kind of item; `both` may be unknown. */
export const templateSchema = z.union([
  promptSchema,
  z.strictObject({ text: promptSchema, image: promptSchema, both: promptSchema.optional() }),
])

export type PromptTemplate = z.infer<typeof templateSchema>

/**
 * Fills the slots `{image}`, `{instruction}`, `{text}`. A line break or space right after a slot
 * belongs to it: it is dropped with a slot that has no value, and between two slots when the second
 * has none. It stays before other words, unless these stand right behind a slot without a value:
 * `{instruction} {text}<end>` without a text gives no space before `<end>`. A space before a value
 * that begins with a line break is dropped too (the MMEB rule).
 * @param placeholder of one picture: `<|image_pad|>` in Qwen's families
 * @throws EmbedderError `embedder/no-slot` for an instruction or text that the template has no slot
 *   for
 * @example templatePrompt('{image}\n{instruction} {text}', { instruction: 'Find:', text: 'a cat',
 *   images: 0 }).prompt // 'Find: a cat'
 */
export function templatePrompt(
  template: PromptTemplate,
  parts: PromptParts,
  placeholder = PLACEHOLDER,
): { prompt: string; instructionEnd: number } {
  const { instruction, text, images } = parts
  const chosen = typeof template === 'string' ? template : template[kindOf(parts)]
  if (chosen === undefined) throw noPair()
  const values: Readonly<Record<string, string | undefined>> = {
    image: images === 0 ? undefined : placeholder.repeat(images),
    instruction,
    text,
  }
  for (const part of ['instruction', 'text'] as const)
    if (values[part] && !chosen.includes(`{${part}}`)) throw noSlot(part, chosen)
  let prompt = ''
  let instructionEnd = 0
  let from = 0
  /** A separator that is written when the next value comes. */
  let pending = ''
  let lastFilled = false
  /** Whether the next words stand right behind a slot without a value. */
  let attached = false
  for (const slot of chosen.matchAll(/\{(image|instruction|text)\}([\n ]?)/g)) {
    const [whole, name = '', separator = ''] = slot
    const literal = chosen.slice(from, slot.index)
    from = slot.index + whole.length
    if (literal !== '') {
      prompt += (attached ? '' : pending) + literal
      pending = ''
    }
    const value = values[name]
    lastFilled = value !== undefined && value !== ''
    attached = !lastFilled && separator === ''
    if (value === undefined || value === '') continue
    prompt += (pending === ' ' && value.startsWith('\n') ? '' : pending) + value
    if (name === 'instruction') instructionEnd = prompt.length
    pending = separator
  }
  const rest = chosen.slice(from)
  const between = attached ? '' : pending
  return { prompt: rest !== '' || lastFilled ? prompt + between + rest : prompt, instructionEnd }
}

function kindOf({ text, instruction, images }: PromptParts): 'text' | 'image' | 'both' {
  if (images === 0) return 'text'
  return text || instruction ? 'both' : 'image'
}

function noPair(): EmbedderError {
  return new EmbedderError('no-slot', {
    message: 'the item has a picture and words, and the prompt has no form for both',
    hint: 'Its authors say how a picture or a text alone is put: give two items, or write `both` into embedder.json.',
  })
}

function noSlot(part: string, template: string): EmbedderError {
  return new EmbedderError('no-slot', {
    message: `the item has ${part === 'text' ? 'a text' : 'an instruction'}, but the prompt ${JSON.stringify(template)} has no {${part}}`,
    hint: `This model was not trained with ${part === 'text' ? 'texts' : 'instructions'} here: leave it out, or change the prompt in embedder.json.`,
  })
}

const PUNCTUATION = /\p{P}$/u

/** An instruction as the contract wants it: Qwen3-VL-Embedding's ends with a punctuation mark. */
export function punctuated(instruction: string): string {
  const trimmed = instruction.trim()
  return trimmed === '' || PUNCTUATION.test(trimmed) ? trimmed : `${trimmed}.`
}

/** How a contract's prompt changes the words of an item. */
interface Wording {
  readonly instruction?: string | undefined
  readonly punctuated?: true | undefined
  readonly trimmed?: true | undefined
  readonly wordless?: string | undefined
}

/** An item's parts as a contract's prompt wants them. */
export function partsOf(
  { instruction: own, text: written, images }: PromptParts,
  { instruction: byDefault, punctuated: full, trimmed, wordless }: Wording,
): PromptParts {
  const cut = (words: string | undefined) => (trimmed ? words?.trim() : words)
  const said = cut(own ?? byDefault)
  const instruction = said === undefined || !full ? said : punctuated(said)
  const text = cut(written)
  const bare = images > 0 && !text && !instruction
  return { instruction, text: bare ? (wordless ?? text) : text, images }
}
