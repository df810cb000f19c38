/** @file A scene as a picture of an item: known by its description, drawn when it is read. */

import type { Picture } from '../data/item.ts'
import type { RgbImage } from '../media/image.ts'
import { draw } from './draw.ts'
import { type Description, PICTURE, pictureKey } from './scene.ts'
import type { Sheets } from './sheets.ts'

export class Drawing implements Picture {
  readonly key: string
  readonly description: Description
  readonly #sheets: Sheets

  constructor(description: Description, sheets: Sheets) {
    this.key = pictureKey(description)
    this.description = description
    this.#sheets = sheets
  }

  /** Draws the scene, `[96, 96, 3]` sRGB bytes. @throws ScenesError `scenes/drawing-missing` */
  read(): RgbImage {
    return { width: PICTURE, height: PICTURE, data: draw(this.description, this.#sheets) }
  }
}
