/** @file From token ids with placeholders to the spliced sequence: ids, image rows, spans. */

import type { Size } from '../../inputs/media/image.ts'
import type { Tokenizer } from '../../inputs/text/tokenizer.ts'
import { FamilyError } from './errors.ts'
import type { PreparedItem, PrepareOptions } from './family.ts'

export interface SpliceOptions extends Pick<PrepareOptions, 'truncation' | 'stray'> {
  /** The id that stands for a picture among `ids`. */
  imageId: number
  /** The id of the vocabulary that `inputIds` hold at image positions. */
  fillId: number
  /** Positions that an item may take. */
  maxLength: number
  /** How many of `ids` come before the end of the instruction. */
  instructionIds?: number
}

/**
 * Puts each picture's rows in the place of its placeholder.
 * @param ids    token ids, `imageId` where a picture stands
 * @param images rows of the item's image table, picture by picture
 * @throws FamilyError `family/image-count`, `family/too-long`, `family/empty`
 */
export function spliceIds(
  ids: readonly number[],
  images: readonly (readonly number[])[],
  { imageId, fillId, maxLength, truncation = 'error', stray = 'refuse', instructionIds = 0 }: SpliceOptions,
): Pick<PreparedItem, 'inputIds' | 'imageIndex' | 'spans'> {
  // An id that no vocabulary has cannot be read as a plain token.
  const plain = stray === 'keep' && images.length === 0 && imageId === fillId
  const isPicture = (id: number) => id === imageId && !plain
  const placeholders = ids.filter(isPicture).length
  if (placeholders !== images.length) {
    throw new FamilyError('image-count', {
      message: `the prompt has ${placeholders} image placeholders for ${images.length} pictures`,
      hint: 'Put one placeholder into the prompt for each picture, and none into a text.',
    })
  }
  if (ids.length === 0)
    throw new FamilyError('empty', { message: 'the item has no tokens', hint: 'Give a text or a picture.' })
  const inputIds: number[] = []
  const imageIndex: number[] = []
  const spans: PreparedItem['spans'] = { text: [], image: [], tailStart: 0 }
  ids.forEach((id, at) => {
    if (at === instructionIds) spans.tailStart = inputIds.length
    const rows = isPicture(id) ? images[spans.image.length]! : [-1]
    const start = inputIds.length
    for (const row of rows) {
      inputIds.push(isPicture(id) ? fillId : id)
      imageIndex.push(row)
    }
    const last = spans.text.at(-1)
    if (isPicture(id)) spans.image.push([start, inputIds.length])
    else if (last !== undefined && last[1] === start) last[1] = inputIds.length
    else spans.text.push([start, inputIds.length])
  })
  if (inputIds.length > maxLength) {
    if (truncation === 'error') {
      throw new FamilyError('too-long', {
        message: `the item takes ${inputIds.length} positions, the most is ${maxLength}`,
        hint: 'Shorten the text, or allow truncation as the reference does it.',
      })
    }
    inputIds.length = maxLength
    imageIndex.length = maxLength
    spans.text = cut(spans.text, maxLength)
    spans.image = cut(spans.image, maxLength)
    spans.tailStart = Math.min(spans.tailStart, maxLength)
  }
  return { inputIds, imageIndex, spans }
}

/**
 * A prompt as the LLaVA families take it: tokenised once, then the placeholder's id is repeated.
 * Added tokens split the text, so this equals repeating the string.
 * @param images rows of the item's image table, picture by picture
 * @throws FamilyError as `spliceIds`
 */
export function splicePrompt(
  tokenizer: Tokenizer,
  prompt: string,
  images: readonly (readonly number[])[],
  { imageId, maxLength: own }: Pick<SpliceOptions, 'imageId' | 'maxLength'>,
  options: PrepareOptions = {},
): Pick<PreparedItem, 'inputIds' | 'imageIndex' | 'spans'> {
  const { instructionEnd = 0, appendIds = [], truncation, stray } = options
  const maxLength = lengthWithin(own, options)
  checkLength(tokenizer, prompt, maxLength, truncation)
  const ids = [...tokenizer.encode(prompt), ...appendIds]
  const instructionIds =
    instructionEnd === 0 ? 0 : sharedStart(ids, tokenizer.encode(prompt.slice(0, instructionEnd)))
  return spliceIds(ids, images, { imageId, fillId: imageId, maxLength, truncation, stray, instructionIds })
}

/** Positions that an item may take: the model's, or fewer where the caller says so. */
export function lengthWithin(own: number, { maxLength }: Pick<PrepareOptions, 'maxLength'>): number {
  return Math.min(own, maxLength ?? own)
}

/**
 * Refuses a text that is far too long before it is tokenized, which would take time and memory.
 * @throws FamilyError `family/too-long`
 */
export function checkLength(
  tokenizer: Tokenizer,
  text: string,
  maxLength: number,
  truncation: PrepareOptions['truncation'] = 'error',
): void {
  if (truncation !== 'error' || !tokenizer.surelyLonger(text, maxLength)) return
  throw new FamilyError('too-long', {
    message: `the item takes more positions than it may, which are ${maxLength}`,
    hint: 'Shorten the text, or allow truncation as the reference does it.',
  })
}

/** The name of a token that stands for a picture: `<image>`, `<|image_pad|>`, `[IMG]`. */
const IMAGE_TOKEN = /im/i

/**
 * A tokenizer without the placeholder would make words of it, and a picture would have no place. A
 * tokenizer.json that lacks the token gives its id to the next one, as Python's does.
 * @param where for messages: the folder
 * @throws FamilyError `family/special-token`
 */
export function requireImageToken(tokenizer: Tokenizer, id: number, where: string): void {
  const token = tokenizer.decode([id])
  const known = tokenizer.tokenId(token) === id
  if (known && IMAGE_TOKEN.test(token)) return
  throw new FamilyError('special-token', {
    message: `${where}: config.json says that token ${id} stands for a picture; the tokenizer has ${known ? `${JSON.stringify(token)} there` : 'no such token'}`,
    hint: 'Take the tokenizer from the repository of the weights.',
  })
}

function cut(ranges: readonly [start: number, end: number][], limit: number): [start: number, end: number][] {
  return ranges.flatMap(([start, end]): [number, number][] =>
    start < limit ? [[start, Math.min(end, limit)]] : [],
  )
}

/** How many leading ids two tokenisations share: what of the prompt is surely instruction. */
export function sharedStart(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((id, i) => id !== b[i])
  return differs < 0 ? Math.min(a.length, b.length) : differs
}

/** The sizes of pictures as LLaVA's processors report them: height, width. */
export function reportedSizes(images: readonly Size[]): PreparedItem['reported'] {
  return { image_sizes: images.map(({ height, width }) => [height, width]) }
}
