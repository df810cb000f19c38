/**
 * @file The sheets of drawings: decoded once by sharp, cut into cells, averaged to the sizes that
 * scenes use.
 */

import sharp, { type OutputInfo } from 'sharp'
import { premultiply, resizeByArea } from './area.ts'
import { type Concept, hasStyle, STYLES } from './concepts.ts'
import { ScenesError } from './errors.ts'

/** Pixels of a cell's side in every sheet. */
export const CELL = 64
/** Cells in a row of every sheet. */
export const SHEET_COLUMNS = 40

/** Drawings by concept, style and size. */
export interface Sheets {
  /**
   * @param concept index of the concept
   * @param style   position in `STYLES`
   * @param size    side in pixels
   * @returns `[size, size, 4]` RGBA premultiplied with alpha; kept, so don't write into it
   * @throws ScenesError `scenes/drawing-missing`
   */
  sprite(concept: number, style: number, size: number): Uint8Array
}

/** Premultiplied cells of one sheet by concept index. */
async function readSheet(file: string, concepts: readonly Concept[]): Promise<Map<number, Uint8Array>> {
  let decoded: { data: Buffer; info: OutputInfo }
  try {
    decoded = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  } catch (cause) {
    throw new ScenesError('sheet-unreadable', {
      message: `${file} cannot be decoded`,
      hint: 'Install the package bifocal-twins again.',
      cause,
    })
  }
  const { data, info } = decoded
  const last = Math.max(...concepts.map((concept) => concept.index))
  if (info.width !== SHEET_COLUMNS * CELL || info.height < (Math.floor(last / SHEET_COLUMNS) + 1) * CELL) {
    throw new ScenesError('sheet-size', {
      message: `${file} is ${info.width}×${info.height} pixels, too small for cell ${last} of ${SHEET_COLUMNS} columns of ${CELL}`,
      hint: 'Are concepts.json and the sheets from the same build?',
    })
  }
  const cells = new Map<number, Uint8Array>()
  for (const { index } of concepts) {
    const cell = new Uint8Array(CELL * CELL * 4)
    const start = (Math.floor(index / SHEET_COLUMNS) * CELL * info.width + (index % SHEET_COLUMNS) * CELL) * 4
    for (let y = 0; y < CELL; y++)
      cell.set(data.subarray(start + y * info.width * 4, start + (y * info.width + CELL) * 4), y * CELL * 4)
    cells.set(index, premultiply(cell))
  }
  return cells
}

/**
 * Decodes all six sheets (70–155 ms each) and keeps the cells of `concepts`: 98 KB a concept.
 * Sizes other than a cell's are made when first asked for.
 */
export async function loadSheets(dataDir: string, concepts: readonly Concept[]): Promise<Sheets> {
  const sheets: Map<number, Uint8Array>[] = []
  for (const [style, name] of STYLES.entries()) {
    const drawn = concepts.filter((concept) => hasStyle(concept, style))
    sheets.push(await readSheet(`${dataDir}/emoji/${name}.webp`, drawn))
  }
  const sized = new Map<number, Uint8Array>()
  return {
    sprite(concept, style, size) {
      const key = (concept * STYLES.length + style) * 1024 + size
      const known = sized.get(key)
      if (known !== undefined) return known
      const cell = sheets[style]?.get(concept)
      if (cell === undefined) {
        throw new ScenesError('drawing-missing', {
          message: `concept ${concept} has no drawing in style ${STYLES[style] ?? style}`,
          hint: 'Load the sheets with the world that describes the scenes; glossy and blob lack some concepts.',
        })
      }
      const made = size === CELL ? cell : resizeByArea(cell, CELL, size)
      sized.set(key, made)
      return made
    },
  }
}
