/**
 * @file From a prompt and pictures to arrays, as Omni-Diffusion's training and inference scripts do
 * it. The stored chat template is not used: every script replaces it.
 * @see specs/diffusion-vlms-2.md, Omni-Diffusion
 */

import type { RgbImage } from '../../../inputs/media/image.ts'
import type { ChatMessage } from '../../../inputs/text/chat-template.ts'
import { loadTokenizer, type Tokenizer } from '../../../inputs/text/tokenizer.ts'
import { FamilyError } from '../errors.ts'
import type { PreparedItem, PrepareOptions, Processor, PromptParts } from '../family.ts'
import { mmadaPixels } from '../mmada/picture.ts'
import type { MmadaSettings } from '../mmada/settings.ts'
import { instructionEnd, itemText } from '../prompt.ts'
import { checkLength, lengthWithin, sharedStart, spliceIds } from '../sequence.ts'
import { imageTokens, type OmniDiffusionConfig } from './config.ts'
import { type Vocabulary, vocabularyOf } from './vocabulary.ts'

/** Stands for a picture's codes until they are put in. */
const IMAGE_ID = -200
const PLACEHOLDER = '<|image|>'

/**
 * @throws FamilyError `family/special-token`, `family/image-offset`; TextError for what the folder
 *   holds
 */
export async function omniDiffusionProcessor(
  dir: string,
  config: OmniDiffusionConfig,
): Promise<Processor<MmadaSettings>> {
  const tokenizer = await loadTokenizer(dir, { classes: ['DreamTokenizer'] })
  const vocabulary = vocabularyOf(tokenizer, config, dir)
  return {
    tokenizer,
    render,
    prompt(parts) {
      // Marks, speech and codes of pictures are matched in text, and would steer the model.
      checkWords(parts, tokenizer, vocabulary.begin)
      const images = Array.from({ length: parts.images }, () => ({ type: 'image' as const }))
      const prompt = render([{ role: 'user', content: [{ type: 'text', text: itemText(parts) }, ...images] }])
      return { prompt, instructionEnd: instructionEnd(prompt, parts) }
    },
    prepare: (prompt, images, options = {}) =>
      prepare(prompt, images, options, { tokenizer, vocabulary, config }),
  }
}

/**
 * @param first id of the marks of pictures and speech
 * @throws FamilyError `family/reserved-token`
 */
function checkWords({ instruction = '', text = '' }: PromptParts, tokenizer: Tokenizer, first: number): void {
  for (const words of [instruction, text]) {
    const mark = tokenizer.addedTokens(words).find((id) => id >= first)
    if (mark === undefined) continue
    throw new FamilyError('reserved-token', {
      message: `the text holds a mark of the model's own: ${JSON.stringify(tokenizer.decode([mark]))}, with the id ${mark}`,
      hint: "Take the model's own marks, such as <|image|>, out of the text.",
    })
  }
}

/** ChatML without a default system prompt; pictures come after the text, on a line each. */
function render(messages: readonly ChatMessage[]): string {
  const turns = messages.map(({ role, content }) => {
    const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content
    const text = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('')
    const pictures = parts.flatMap(({ type }) => (type === 'image' ? [`\n${PLACEHOLDER}`] : []))
    return `<|im_start|>${role}\n${text}${pictures.join('')}<|im_end|>\n`
  })
  return `${turns.join('')}<|im_start|>assistant\n`
}

interface Reader {
  readonly tokenizer: Tokenizer
  readonly vocabulary: Vocabulary
  readonly config: OmniDiffusionConfig
}

/** Each placeholder becomes `<|begin_of_image|>` codes `<|end_of_image|>`. */
function prepare(
  prompt: string,
  images: readonly RgbImage[],
  options: PrepareOptions<MmadaSettings>,
  { tokenizer, vocabulary, config }: Reader,
): PreparedItem {
  const { appendIds = [], truncation, instructionEnd: end = 0, settings } = options
  const maxLength = lengthWithin(config.text.maxPositions, options)
  checkLength(tokenizer, prompt, maxLength, truncation)
  const tokens = imageTokens(config)
  const { placeholder, begin, end: close, offset } = vocabulary
  const framed = (ids: readonly number[]) =>
    ids.flatMap((id) => (id === placeholder ? [begin, IMAGE_ID, close] : [id]))
  const ids = [...framed(tokenizer.encode(prompt)), ...appendIds]
  const item = spliceIds(
    ids,
    images.map((_, i) => Array.from({ length: tokens }, (_, at) => i * tokens + at)),
    {
      imageId: IMAGE_ID,
      fillId: offset,
      maxLength,
      truncation,
      instructionIds: end === 0 ? 0 : sharedStart(ids, framed(tokenizer.encode(prompt.slice(0, end)))),
    },
  )
  const { inputIds, spans } = item
  return {
    ...item,
    spans: { ...spans, text: spans.text.flatMap((range) => withoutMarks(range, inputIds, [begin, close])) },
    views: images.map((image) => mmadaPixels(image, config.resolution, settings?.imageFit ?? 'crop')),
  }
}

/** The marks around a picture are neither text nor image. */
function withoutMarks(
  [start, end]: readonly [number, number],
  ids: readonly number[],
  marks: readonly number[],
): [number, number][] {
  const ranges: [number, number][] = []
  let from = start
  for (let at = start; at <= end; at++) {
    if (at < end && !marks.includes(ids[at]!)) continue
    if (at > from) ranges.push([from, at])
    from = at + 1
  }
  return ranges
}
