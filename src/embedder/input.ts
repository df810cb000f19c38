/** @file Items as users give them, checked and read. */

import { createHash } from 'node:crypto'
import { decodeImage, type RgbImage } from '../media/index.ts'
import { EmbedderError } from './errors.ts'

/** What to embed: at least one of text, picture and instruction. */
export interface EmbedItem {
  /** What the vector is for: "Represent the given image for classification". */
  instruction?: string
  text?: string
  /** A path, the bytes of a PNG, JPEG or WebP file, or pixels. */
  image?: string | Uint8Array | RgbImage
}

/** An item with its picture decoded. */
export interface ReadItem {
  readonly instruction?: string
  readonly text?: string
  readonly picture?: { readonly key: string; readonly image: RgbImage }
  /** Equal for equal items. */
  readonly key: string
}

/**
 * Reads the picture; empty strings count as absent.
 * @param instruction for items that bring none
 * @throws EmbedderError `embedder/empty-item`; MediaError and FileError for what the picture is
 */
export async function readItem({ instruction: own, text, image }: EmbedItem, instruction?: string): Promise<ReadItem> {
  const said = present(own)
  const words = present(text)
  if (said === undefined && words === undefined && image === undefined) {
    throw new EmbedderError('empty-item', {
      message: text === undefined ? 'the item has neither text nor image' : 'the text is empty',
      hint: 'Give a text that is not blank, an image, or both.',
    })
  }
  const given = said ?? present(instruction)
  const picture = image === undefined ? undefined : await readPicture(image)
  return { instruction: given, text: words, picture, key: JSON.stringify([given ?? null, words ?? null, picture?.key ?? null]) }
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text
}

async function readPicture(image: string | Uint8Array | RgbImage): Promise<ReadItem['picture']> {
  const pixels = typeof image === 'string' || image instanceof Uint8Array ? await decodeImage(image) : image
  if (pixels.data.length !== pixels.width * pixels.height * 3) {
    throw new EmbedderError('pixels', {
      message: `an image of ${pixels.width}×${pixels.height} has ${pixels.width * pixels.height * 3} bytes of RGB, got ${pixels.data.length}`,
      hint: 'Give three bytes a pixel, row by row.',
    })
  }
  const key = createHash('sha256').update(`${pixels.width}×${pixels.height}\n`).update(pixels.data).digest('hex')
  return { key, image: pixels }
}
