/**
 * @file Items as users give them, checked; their pictures are read at once and decoded only when an
 * item is really embedded.
 */

import { createHash } from 'node:crypto'
import { decodeImage, type RgbImage, readPictureFile } from '../media/index.ts'
import { ItemError } from './errors.ts'

/** A path, the bytes of a PNG, JPEG or WebP file, or pixels. */
export type ImageSource = string | Uint8Array | RgbImage

/** What to embed: at least one of text, picture and instruction. */
export interface EmbedItem {
  /** What the vector is for: "Represent the given image for classification". */
  instruction?: string
  text?: string
  /** One picture, or several in their order. */
  image?: ImageSource | readonly ImageSource[]
}

/** An item with its pictures decoded. */
export interface ReadItem {
  readonly instruction?: string
  readonly text?: string
  readonly pictures: readonly RgbImage[]
  /** Equal for equal pictures in equal order; undefined where there are none. */
  readonly pictureKey: string | undefined
  /** Equal for equal items: sha256, hexadecimal. */
  readonly key: string
}

/** An item that is known by its key before any picture is decoded. */
export interface KeyedItem extends Pick<ReadItem, 'key'> {
  /** @throws MediaError for what the pictures are */
  read(): Promise<ReadItem>
}

/**
 * Reads the files of pictures, and hashes; empty strings count as absent.
 * @param instruction for items that bring none
 * @throws ItemError `embedder/empty-item`, `embedder/pixels`; FileError for absent pictures
 */
export async function keyItem(
  { instruction: own, text, image }: EmbedItem,
  instruction?: string,
): Promise<KeyedItem> {
  const said = present(own)
  const words = present(text)
  const sources = image === undefined ? [] : isList(image) ? image : [image]
  if (said === undefined && words === undefined && sources.length === 0) {
    throw new ItemError('empty-item', {
      message: text === undefined ? 'the item has neither text nor image' : 'the text is empty',
      hint: 'Give a text that is not blank, an image, or both.',
    })
  }
  const given = said ?? present(instruction)
  const pictures = await inOrder(sources.map(keyPicture))
  const pictureKey = pictures.length === 0 ? undefined : pictures.map(({ key }) => key).join(' ')
  const key = sha256(JSON.stringify([given ?? null, words ?? null, pictureKey ?? null]))
  return {
    key,
    read: async () => ({
      instruction: given,
      text: words,
      pictures: await inOrder(pictures.map(({ decode }) => decode())),
      pictureKey,
      key,
    }),
  }
}

/** All results; of several failures the first by position, whichever came first in time. */
async function inOrder<T>(work: readonly Promise<T>[]): Promise<T[]> {
  return (await Promise.allSettled(work)).map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

function isList(image: ImageSource | readonly ImageSource[]): image is readonly ImageSource[] {
  return Array.isArray(image)
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text
}

interface KeyedPicture {
  key: string
  decode(): Promise<RgbImage>
}

async function keyPicture(source: ImageSource): Promise<KeyedPicture> {
  if (typeof source === 'string' || source instanceof Uint8Array) {
    const name = typeof source === 'string' ? source : undefined
    const bytes = typeof source === 'string' ? await readPictureFile(source) : source
    return { key: sha256(bytes), decode: () => decodeImage(bytes, { name }) }
  }
  const { width, height, data } = source
  if (data.length !== width * height * 3) {
    throw new ItemError('pixels', {
      message: `an image of ${width}×${height} has ${width * height * 3} bytes of RGB, got ${data.length}`,
      hint: 'Give three bytes a pixel, row by row.',
    })
  }
  return { key: `${width}×${height} ${sha256(data)}`, decode: async () => source }
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
