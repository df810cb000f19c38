/**
 * @file In which order the tokens of a picture's views enter the sequence.
 * @see specs/ar-vlms.md §1.6
 */

import { bestResolution, unpadded } from '../../../inputs/media/anyres.ts'
import type { Size } from '../../../inputs/media/image.ts'

/** The map that the tiles make together, its padding removed. */
export interface TileMap {
  /** In tokens. */
  readonly width: number
  readonly height: number
  /**
   * The row of the picture's own table (thumbnail first, then tile by tile) at a place of the map.
   */
  rowAt(y: number, x: number): number
}

export interface TileMapShape {
  grids: readonly Size[]
  /** A view's side in pixels. */
  tile: number
  /** A view's side in tokens. */
  side: number
  /**
   * How the padding's edge is rounded, see `unpadded`; default `digits7`, as transformers does it.
   */
  rounding?: 'truncate' | 'digits7'
}

/** @param original size of the picture */
export function tileMap(original: Size, { grids, tile, side, rounding = 'digits7' }: TileMapShape): TileMap {
  const grid = bestResolution(original, grids)
  const [columns, rows] = [grid.width / tile, grid.height / tile]
  const { left, top, width, height } = unpadded(
    original,
    { width: columns * side, height: rows * side },
    rounding,
  )
  return {
    width,
    height,
    rowAt(y, x) {
      const [row, column] = [top + y, left + x]
      const view = 1 + Math.floor(row / side) * columns + Math.floor(column / side)
      return view * side * side + (row % side) * side + (column % side)
    },
  }
}

/** The thumbnail's tokens, then the map's row by row, a newline after each row. */
export function packedRows(map: TileMap, thumbnail: number, newline: number): number[] {
  const rows = Array.from({ length: thumbnail }, (_, i) => i)
  for (let y = 0; y < map.height; y++) {
    for (let x = 0; x < map.width; x++) rows.push(map.rowAt(y, x))
    rows.push(newline)
  }
  return rows
}
