/**
 * @file One item: an instruction, a text, pictures, each optional. Its key is the sha256 of its
 * content, so that equal items are found before any picture is decoded.
 */

import { createHash } from 'node:crypto'
import { decodeImage, readPictureFile } from '../media/decode.ts'
import type { RgbImage } from '../media/image.ts'
import { ItemError } from './errors.ts'

/** A picture that is known by its key before its pixels exist: a drawing, say. */
export interface Picture {
  /** Equal for equal pictures, and for no others. */
  readonly key: string
  /** Whether it lies in a JPEG file: another decoder may give levels that differ a little. */
  readonly jpeg?: boolean
  /** Makes the pixels. */
  read(): RgbImage | Promise<RgbImage>
}

/** A path, the bytes of a picture file, pixels, or a `Picture`. */
export type ImageSource = string | Uint8Array | RgbImage | Picture

/** An item to embed. It has at least one of instruction, text and image. */
export interface Item {
  /** The purpose of the vector: "Represent the given image for classification". */
  instruction?: string
  text?: string
  /** One picture, or several in their order. */
  image?: ImageSource | readonly ImageSource[]
}

/** An item that holds nothing but text and pictures with keys. Its own key needs no file. */
export interface KnownItem extends Item {
  image?: Picture | readonly Picture[]
}

/** An item under its key: the form in which tasks, pairs and stores of vectors hold items. */
export interface KeyedItem extends KnownItem {
  /** Equal for equal items: sha256, hexadecimal. */
  readonly key: string
  readonly instruction?: string
  readonly text?: string
  /** At least one picture. */
  readonly image?: readonly Picture[]
}

/** Each item once, in the order in which they first come. */
export function distinctOf(items: readonly KeyedItem[]): KeyedItem[] {
  return [...new Map(items.map((item) => [item.key, item])).values()]
}

/** An item with its pictures decoded. */
export interface ReadItem {
  readonly instruction?: string
  readonly text?: string
  readonly pictures: readonly RgbImage[]
  /** Equal for equal pictures in equal order; undefined where there are none. */
  readonly pictureKey: string | undefined
}

/**
 * Finds the key of an item that holds no path, bytes or pixels. Blank text counts as absent.
 * @throws ItemError `data/empty-item`
 * @example keyed({ text: 'a cat' }).key
 */
export function keyed({ instruction, text, image }: KnownItem): KeyedItem {
  return keyedItem(checked({ instruction, text, image }), listOf(image))
}

/**
 * How a text of nothing but white space is treated: as absent (`refuse`), or as text (`embed`).
 */
export type BlankTexts = 'refuse' | 'embed'

/**
 * Finds the key of any item. Reads the files of its pictures, and decodes none.
 * @param instruction for an item that brings none
 * @param blank `embed` takes blank texts as they stand; by default they count as absent
 * @throws ItemError `data/empty-item`, `data/pixels`; MediaError; FileError
 */
export async function keyItem(
  item: Item,
  instruction?: string,
  blank: BlankTexts = 'refuse',
): Promise<KeyedItem> {
  const words = checked(item, blank)
  const pictures = await inOrder(listOf(item.image).map(pictureOf))
  return keyedItem({ ...words, instruction: words.instruction ?? present(instruction) }, pictures)
}

/**
 * Decodes the pictures of an item.
 * @throws MediaError for what the pictures are: of several bad ones, the first in the item
 */
export async function readItem({ instruction, text, image = [] }: KeyedItem): Promise<ReadItem> {
  const pictures = await inOrder(image.map(async (picture) => await picture.read()))
  return { instruction, text, pictures, pictureKey: pictureKey(image) }
}

/**
 * The fields of an item that are embedded, in words.
 * @example contentOf({ text: 'a cat', image: 'cat.png' }) // 'text + picture'
 */
export function contentOf({ instruction, text, image }: Item, blank?: BlankTexts): string {
  const count = listOf(image).length
  const words = presentIn({ instruction, text, image }, blank)
  return [
    ...(words.instruction === undefined ? [] : ['instruction']),
    ...(words.text === undefined ? [] : ['text']),
    ...(count === 0 ? [] : [count === 1 ? 'picture' : 'pictures']),
  ].join(' + ')
}

/** One key for the pictures of an item; undefined where there are none. */
export function pictureKey(pictures: readonly Picture[] = []): string | undefined {
  if (pictures.length <= 1) return pictures[0]?.key
  return JSON.stringify(pictures.map(({ key }) => key))
}

type Words = Pick<Item, 'instruction' | 'text'>

/** Instruction and text where they are present. @throws ItemError `data/empty-item`, `data/text` */
function checked({ instruction, text, image }: Item, blank?: BlankTexts): Words {
  const words = presentIn({ instruction, text, image }, blank)
  for (const [part, value] of Object.entries(words)) {
    if (value === undefined || !/\p{Cs}/u.test(value)) continue
    throw new ItemError('text', {
      message: `the ${part} holds half of a surrogate pair, which is no character`,
      hint: 'The text was cut within a character, an emoji say: cut it elsewhere.',
    })
  }
  if (words.instruction === undefined && words.text === undefined && listOf(image).length === 0) {
    throw new ItemError('empty-item', {
      message: text === undefined ? 'the item has neither text nor image' : 'the text is empty',
      hint: 'Give a text that is not blank, an image, or both. Blank texts can be embedded as they stand: --blank embed; in code { blank: "embed" }.',
    })
  }
  return words
}

/**
 * Blank texts count as absent. Where blank texts are embedded, an empty text beside other content
 * still counts as absent: an empty cell of a table means that there is no text.
 */
function presentIn({ instruction, text, image }: Item, blank?: BlankTexts): Words {
  const said = present(instruction)
  const alone = said === undefined && listOf(image).length === 0
  const kept = blank === 'embed' && (text !== '' || alone)
  return { instruction: said, text: kept ? text : present(text) }
}

function keyedItem({ instruction, text }: Words, pictures: readonly Picture[]): KeyedItem {
  const content = [instruction ?? null, text ?? null, pictures.map(({ key }) => key)]
  return {
    key: sha256(JSON.stringify(content)),
    ...(instruction !== undefined && { instruction }),
    ...(text !== undefined && { text }),
    ...(pictures.length > 0 && { image: pictures }),
  }
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text
}

function listOf<T extends ImageSource>(image: T | readonly T[] | undefined): readonly T[] {
  if (image === undefined) return []
  return isList(image) ? image : [image]
}

function isList<T extends ImageSource>(image: T | readonly T[]): image is readonly T[] {
  return Array.isArray(image)
}

/** All results; of several failures the first by position, whichever came first in time. */
async function inOrder<T>(work: readonly Promise<T>[]): Promise<T[]> {
  return (await Promise.allSettled(work)).map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

async function pictureOf(source: ImageSource): Promise<Picture> {
  if (typeof source === 'string' || source instanceof Uint8Array) {
    const name = typeof source === 'string' ? source : undefined
    const bytes = typeof source === 'string' ? await readPictureFile(source) : source
    return { key: sha256(bytes), read: () => decodeImage(bytes, { name }) }
  }
  if ('read' in source) return source
  const { width, height, data } = source
  if (data.length !== width * height * 3) {
    throw new ItemError('pixels', {
      message: `an image of ${width}×${height} has ${width * height * 3} bytes of RGB, got ${data.length}`,
      hint:
        data.length === width * height * 4
          ? 'It looks like RGBA: leave every fourth byte out.'
          : 'Give three bytes a pixel, row by row.',
    })
  }
  return { key: `${width}×${height} ${sha256(data)}`, read: () => source }
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
