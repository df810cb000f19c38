/**
 * @file From a prompt and pictures to arrays, as MMaDA's multimodal-understanding rows have them.
 * @see specs/mmada.md §3.1, §4, §7.2
 */

import type { RgbImage } from '../../../inputs/media/image.ts'
import { type ChatTemplate, loadChatTemplate, parseChatTemplate } from '../../../inputs/text/chat-template.ts'
import { loadTokenizer, type Tokenizer } from '../../../inputs/text/tokenizer.ts'
import { FamilyError } from '../errors.ts'
import type { PreparedItem, PrepareOptions, Processor } from '../family.ts'
import { instructionEnd, itemText } from '../prompt.ts'
import { checkLength, lengthWithin, sharedStart, spliceIds } from '../sequence.ts'
import { imageTokens, type MmadaConfig } from './config.ts'
import { mmadaPixels } from './picture.ts'
import { checkPlain, cutContent, TEMPLATE, withoutPlaceholders, withTextContent } from './prompt.ts'
import type { MmadaSettings } from './settings.ts'
import { type Vocabulary, vocabularyOf } from './vocabulary.ts'

/** Stands for a picture until it is replaced by its positions. */
const IMAGE_ID = -200

/**
 * @throws FamilyError `family/image-offset`, `family/special-token`; TextError for what the folder
 *   holds
 */
export async function mmadaProcessor(dir: string, config: MmadaConfig): Promise<Processor<MmadaSettings>> {
  const [tokenizer, template] = await Promise.all([loadTokenizer(dir), loadChatTemplate(dir)])
  return createProcessor(
    tokenizer,
    template ?? parseChatTemplate(TEMPLATE, { bos_token: '<|startoftext|>' }),
    config,
    dir,
  )
}

/** @param where for messages: the folder */
function createProcessor(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  config: MmadaConfig,
  where: string,
): Processor<MmadaSettings> {
  const vocabulary = vocabularyOf(tokenizer, config, where)
  const render: Processor['render'] = (messages) => template.render(withTextContent(messages))
  return {
    tokenizer,
    render,
    prompt(parts) {
      checkPlain(parts, tokenizer, vocabulary.reserved)
      const prompt = render([{ role: 'user', content: itemText(parts) }])
      return { prompt, instructionEnd: instructionEnd(prompt, parts) }
    },
    prepare: (prompt, images, options = {}) =>
      prepare(prompt, images, options, { tokenizer, vocabulary, config }),
  }
}

/**
 * `[mmu] ([soi] picture [eoi])… text`; text alone has nothing before it. At a picture's positions
 * stands the id of code 0. More than one picture was not trained.
 */
function prepare(
  prompt: string,
  images: readonly RgbImage[],
  options: PrepareOptions<MmadaSettings>,
  { tokenizer, vocabulary, config }: { tokenizer: Tokenizer; vocabulary: Vocabulary; config: MmadaConfig },
): PreparedItem {
  const { appendIds = [], truncation, instructionEnd: end = 0, settings } = options
  const { text, placeholders } = withoutPlaceholders(prompt)
  if (placeholders > 0 && placeholders !== images.length) {
    throw new FamilyError('image-count', {
      message: `the prompt has ${placeholders} image placeholders for ${images.length} pictures`,
      hint: 'Leave the placeholders out: pictures always come first.',
    })
  }
  const { mmu, soi, eoi, offset } = vocabulary
  const tokens = imageTokens(config)
  const maxLength = lengthWithin(config.decoder.maxPositions, options)
  const frame = images.length === 0 ? [] : [mmu, ...images.flatMap(() => [soi, IMAGE_ID, eoi])]
  const before = frame.length + images.length * (tokens - 1)
  checkLength(tokenizer, text, maxLength, truncation)
  const words = tokenizer.encode(text)
  const kept =
    truncation === 'reference' ? cutContent(words, maxLength - before - appendIds.length, tokenizer) : words
  const instruction =
    end === 0 ? 0 : sharedStart(words, tokenizer.encode(withoutPlaceholders(prompt.slice(0, end)).text))
  const item = spliceIds(
    [...frame, ...kept, ...appendIds],
    images.map((_, i) => Array.from({ length: tokens }, (_, at) => i * tokens + at)),
    {
      imageId: IMAGE_ID,
      fillId: offset,
      maxLength,
      truncation: 'error',
      instructionIds: end === 0 ? 0 : frame.length + instruction,
    },
  )
  return {
    ...item,
    // The marks around a picture are neither text nor image.
    spans: { ...item.spans, text: [[before, item.inputIds.length]] },
    views: images.map((image) =>
      mmadaPixels(image, config.resolution, settings?.imageFit ?? config.imageFit),
    ),
  }
}
