/**
 * @file From a prompt and pictures to arrays, as LaViDa does it. The processor is code in the
 * reference: checkpoints have no file for it.
 * @see specs/lavida.md §4.2, §5
 */

import type { RgbImage } from '../../../inputs/media/image.ts'
import { type ChatMessage, type ChatTemplate, loadChatTemplate } from '../../../inputs/text/chat-template.ts'
import { loadTokenizer, type Tokenizer } from '../../../inputs/text/tokenizer.ts'
import { noTemplate } from '../chat.ts'
import type { PreparedItem, PrepareOptions, Processor, PromptParts } from '../family.ts'
import { instructionEnd, itemText } from '../prompt.ts'
import { checkLength, lengthWithin, sharedStart, spliceIds } from '../sequence.ts'
import { type LavidaConfig, tokenSide } from './config.ts'
import { IMAGE_ID, PLACEHOLDER, promptIds } from './prompt.ts'
import type { LavidaSettings } from './settings.ts'
import { lavidaViews, visualTokens } from './views.ts'

/** The layout of pictures, by family: the part of the processor in which LLaDA-V differs. */
export interface PictureLayout {
  /** Positions that are kept. */
  readonly maxLength: number
  /**
   * Views of all pictures, for each picture the rows of the table that are its own, and what the
   * tower has to be told.
   */
  place(images: readonly RgbImage[]): Pick<PreparedItem, 'views' | 'visionFeeds'> & { rows: number[][] }
}

type SplicedItem = Pick<PreparedItem, 'inputIds' | 'imageIndex' | 'spans'>

/** Said before every prompt, in training and since. */
export const SYSTEM =
  'You are a helpful language and vision assistant. You are able to understand the visual content that ' +
  'the user provides, and assist the user with a variety of tasks using natural language.'

export function lavidaProcessor(dir: string, config: LavidaConfig): Promise<Processor<LavidaSettings>> {
  return splicingProcessor(dir, {
    maxLength: config.maxLength,
    place(images) {
      const views = images.map((image) => lavidaViews(image, config))
      return { views: views.flat(), rows: tableRows(images, views, config) }
    },
  })
}

/** LaViDa's prompt and splicing, whatever the pictures become. */
export async function splicingProcessor(
  dir: string,
  layout: PictureLayout,
): Promise<Processor<LavidaSettings>> {
  const [tokenizer, template] = await Promise.all([
    loadTokenizer(dir, { classes: ['DreamTokenizer'] }),
    loadChatTemplate(dir),
  ])
  return createProcessor(tokenizer, template, layout, dir)
}

/** @param where for messages: the folder */
function createProcessor(
  tokenizer: Tokenizer,
  template: ChatTemplate | undefined,
  layout: PictureLayout,
  where: string,
): Processor<LavidaSettings> {
  const render = (messages: readonly ChatMessage[]) => {
    if (template !== undefined) return template.render(messages)
    throw noTemplate(where)
  }
  return {
    tokenizer,
    render,
    prompt: (parts) => userPrompt(parts, render),
    prepare: (prompt, images, options = {}) => prepare(prompt, images, options, tokenizer, layout),
  }
}

/** Placeholders joined by spaces, a line break, then the words: the reference's order. */
function userPrompt(
  parts: PromptParts,
  render: (messages: readonly ChatMessage[]) => string,
): { prompt: string; instructionEnd: number } {
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
  options: PrepareOptions<LavidaSettings>,
  tokenizer: Tokenizer,
  { maxLength: own, place }: PictureLayout,
): PreparedItem {
  const { appendIds = [], truncation, instructionEnd: end = 0 } = options
  const maxLength = lengthWithin(own, options)
  checkLength(tokenizer, prompt, maxLength, truncation)
  const unsplicedIds = promptIds(prompt, tokenizer, options.settings)
  const { rows, ...pictures } = place(images)
  const item = spliceIds(unsplicedIds, rows, {
    imageId: IMAGE_ID,
    fillId: 0,
    // Appended tokens are what a readout looks at: room is kept for them when the prompt is cut.
    maxLength: maxLength - appendIds.length,
    truncation,
    instructionIds:
      end === 0 ? 0 : sharedStart(unsplicedIds, promptIds(prompt.slice(0, end), tokenizer, options.settings)),
  })
  return { ...appended(item, appendIds), ...pictures, unsplicedIds }
}

function appended({ inputIds, imageIndex, spans }: SplicedItem, ids: readonly number[]): SplicedItem {
  const length = inputIds.length
  const last = spans.text.at(-1)
  const joins = last !== undefined && last[1] === length
  const grown: [number, number] = [joins ? last[0] : length, length + ids.length]
  const text = [...spans.text.slice(0, joins ? -1 : undefined), grown]
  return {
    inputIds: [...inputIds, ...ids],
    imageIndex: [...imageIndex, ...ids.map(() => -1)],
    spans: ids.length === 0 ? spans : { ...spans, text },
  }
}

/**
 * Rows of the item's table for each picture: its views follow those of the pictures before; the
 * newline is the last row.
 */
function tableRows(
  images: readonly RgbImage[],
  views: readonly (readonly unknown[])[],
  config: LavidaConfig,
): number[][] {
  const perView = tokenSide(config) ** 2
  const newline = views.flat().length * perView
  let first = 0
  return images.map((image, i) => {
    const start = first
    first += views[i]!.length * perView
    return visualTokens(image, config).map((token) => (token === 'newline' ? newline : start + token))
  })
}
