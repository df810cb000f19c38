/** @file Small pictures for reports. */

import sharp from 'sharp'
import type { Picture } from './item.ts'

const SIDE = 64

/** Numbers pictures as they are asked for; `encode` makes the list that the numbers point into. */
export class Thumbnails {
  readonly #pictures = new Map<string, { index: number; picture: Picture }>()

  /** The picture's index in the list. */
  indexOf(picture: Picture): number {
    const known = this.#pictures.get(picture.key)
    if (known !== undefined) return known.index
    const index = this.#pictures.size
    this.#pictures.set(picture.key, { index, picture })
    return index
  }

  /** `data:image/webp;base64,…` */
  async encode(): Promise<string[]> {
    const made: string[] = []
    for (const { picture } of this.#pictures.values()) made.push(await thumbnail(picture, SIDE))
    return made
  }
}

/**
 * A small picture as a data URL, in WebP.
 * @param side width and height at most, in pixels
 * @throws as the picture's `read`
 */
export async function thumbnail(picture: Picture, side: number): Promise<string> {
  const { width, height, data } = await picture.read()
  const image = sharp(data, { raw: { width, height, channels: 3 } })
  const small = image.resize(side, side, { fit: 'inside' })
  return `data:image/webp;base64,${(await small.webp({ quality: 75 }).toBuffer()).toString('base64')}`
}
