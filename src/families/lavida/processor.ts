/**
 * @file From a prompt and pictures to arrays, as LaViDa does it. The processor is code in the reference: checkpoints have no file for it.
 * @see specs/lavida.md §4.2, §5
 */

import type { RgbImage } from '../../media/index.ts'
import { type ChatMessage, type ChatTemplate, loadChatTemplate } from '../../text/chat-template.ts'
import { loadTokenizer, type Tokenizer } from '../../text/tokenizer.ts'
import { FamilyError } from '../errors.ts'
import type { PreparedItem, PrepareOptions, Processor, PromptParts } from '../family.ts'
import { instructionEnd, itemText } from '../prompt.ts'
import { type LavidaConfig, tokenSide } from './config.ts'
import { IMAGE_ID, PLACEHOLDER, promptIds, type SplicedRow, splice } from './prompt.ts'
import { lavidaViews, visualTokens } from './views.ts'

/** Said before every prompt, in training and since. */
export const SYSTEM =
  'You are a helpful language and vision assistant. You are able to understand the visual content that the user provides, and assist the user with a variety of tasks using natural language.'

export async function lavidaProcessor(dir: string, config: LavidaConfig): Promise<Processor> {
  const [tokenizer, template] = await Promise.all([loadTokenizer(dir), loadChatTemplate(dir)])
  return createProcessor(tokenizer, template, config, dir)
}

/** @param where for messages: the folder */
export function createProcessor(tokenizer: Tokenizer, template: ChatTemplate | undefined, config: LavidaConfig, where: string): Processor {
  const render = (messages: readonly ChatMessage[]) => {
    if (template !== undefined) return template.render(messages)
    throw new FamilyError('no-template', {
      message: `${where} has no chat template`,
      hint: 'Fetch tokenizer_config.json, which holds it, from the repository of the weights.',
    })
  }
  return {
    tokenizer,
    render,
    prompt: (parts) => userPrompt(parts, render),
    prepare: (prompt, images, options = {}) => prepare(prompt, images, options, tokenizer, config),
  }
}

/** Placeholders joined by spaces, a line break, then the words: the reference's order. */
function userPrompt(parts: PromptParts, render: (messages: readonly ChatMessage[]) => string): { prompt: string; instructionEnd: number } {
  const pictures = Array.from({ length: parts.images }, () => PLACEHOLDER).join(' ')
  const content = parts.images === 0 ? itemText(parts) : `${pictures}\n${itemText(parts)}`
  const prompt = render([
    { role: 'system', content: SYSTEM },
    { role: 'user', content },
  ])
  return { prompt, instructionEnd: instructionEnd(prompt, parts) }
}

function prepare(
  prompt: string,
  images: readonly RgbImage[],
  options: PrepareOptions,
  tokenizer: Tokenizer,
  config: LavidaConfig,
): PreparedItem {
  const { appendIds = [], truncation = 'error', instructionEnd: end = 0 } = options
  const unsplicedIds = promptIds(prompt, tokenizer, options)
  const placeholders = unsplicedIds.filter((id) => id === IMAGE_ID).length
  if (placeholders !== images.length) {
    throw new FamilyError('image-count', {
      message: `the prompt has ${placeholders} placeholders ${PLACEHOLDER} for ${images.length} images`,
      hint: `Write ${PLACEHOLDER} once for each image, and nowhere else.`,
    })
  }
  if (unsplicedIds.length === 0) {
    throw new FamilyError('empty', { message: 'the prompt is empty', hint: 'Give a text or an image.' })
  }
  const views = images.map((image) => lavidaViews(image, config))
  const tables = tableRows(images, views, config)
  const whole = splice(unsplicedIds, tables)
  const tail = end === 0 ? whole.inputIds.length : tailLength(prompt.slice(end), tables, tokenizer)
  const room = config.maxLength - appendIds.length
  if (whole.inputIds.length > room && truncation === 'error') {
    throw new FamilyError('too-long', {
      message: `the item has ${whole.inputIds.length + appendIds.length} positions, the model takes ${config.maxLength}`,
      hint: 'Shorten the text or use fewer images, or cut as the reference does with truncation "reference".',
    })
  }
  const kept = cut(whole, room)
  const inputIds = [...kept.inputIds, ...appendIds]
  return {
    inputIds,
    imageIndex: [...kept.imageIndex, ...appendIds.map(() => -1)],
    views: views.flat(),
    unsplicedIds,
    spans: {
      image: kept.images,
      text: between(kept.images, inputIds.length),
      tailStart: Math.min(whole.inputIds.length - tail, kept.inputIds.length),
    },
  }
}

/** Rows of the item's table for each picture: its views follow those of the pictures before; the newline is the last row. */
function tableRows(images: readonly RgbImage[], views: readonly (readonly unknown[])[], config: LavidaConfig): number[][] {
  const perView = tokenSide(config) ** 2
  const newline = views.flat().length * perView
  let first = 0
  return images.map((image, i) => {
    const start = first
    first += views[i]!.length * perView
    return visualTokens(image, config).map((token) => (token === 'newline' ? newline : start + token))
  })
}

/** Positions of what follows the instruction, tokenised on its own as DiffEmbed counts it. @see specs/lavida.md §7.1 */
function tailLength(tail: string, tables: readonly (readonly number[])[], tokenizer: Tokenizer): number {
  const ids = promptIds(tail, tokenizer)
  const pictures = ids.filter((id) => id === IMAGE_ID).length
  return splice(ids, tables.slice(tables.length - pictures)).inputIds.length
}

function cut({ inputIds, imageIndex, images }: SplicedRow, length: number): SplicedRow {
  const within = images.filter(([start]) => start < length)
  return {
    inputIds: inputIds.slice(0, length),
    imageIndex: imageIndex.slice(0, length),
    images: within.map(([start, end]): [number, number] => [start, Math.min(end, length)]),
  }
}

/** The ranges that `spans` leave of `length` positions. */
function between(spans: readonly [number, number][], length: number): [number, number][] {
  const starts = [0, ...spans.map(([, end]) => end)]
  const ends = [...spans.map(([start]) => start), length]
  return starts.map((start, i): [number, number] => [start, ends[i]!]).filter(([start, end]) => start < end)
}
