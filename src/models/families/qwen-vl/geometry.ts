/**
 * @file Sizes that the tower needs: windows, places of patches, weights of learned
 * positions. Made here and fed, so that one graph serves pictures of all sizes, several at once.
 * @see specs/ar-vlms.md §3.4, §4.3, §4.5
 */

import { f32, i64, type Tensor } from '../../../foundation/numeric/tensor.ts'
import type { QwenTowerShape } from './config.ts'
import type { Grid } from './positions.ts'

/**
 * A picture's cells by window, windows row by row and cells row by row in each. Windows at the
 * right and bottom edge have what is left.
 * @param side cells of a window's side
 */
export function windowsOf({ rows, columns }: Grid, side: number): number[][] {
  const windows: number[][] = []
  for (let top = 0; top < rows; top += side) {
    for (let left = 0; left < columns; left += side) {
      const cells: number[] = []
      for (let row = top; row < Math.min(top + side, rows); row++)
        for (let column = left; column < Math.min(left + side, columns); column++)
          cells.push(row * columns + column)
      windows.push(cells)
    }
  }
  return windows
}

/** Four rows of the table of learned positions, and their shares. */
interface TableMix {
  readonly index: readonly number[]
  readonly weight: readonly number[]
}

/**
 * Bilinear place of a patch in a square table that is stretched over the picture.
 * @param count patches along the axis
 */
function stretched(at: number, count: number, side: number): { low: number; high: number; share: number } {
  // torch.linspace in f32: from both ends towards the middle.
  const step = Math.fround((side - 1) / (count - 1))
  const exact =
    at < count / 2 ? Math.fround(step * at) : Math.fround(side - 1 - Math.fround(step * (count - 1 - at)))
  const low = Math.trunc(exact)
  return { low, high: Math.min(low + 1, side - 1), share: Math.fround(exact - low) }
}

/** @param row of a patch, out of `rows`; likewise its column @param side of the table */
function tableMix(
  [row, rows]: readonly [number, number],
  [column, columns]: readonly [number, number],
  side: number,
): TableMix {
  const [y, x] = [stretched(row, rows, side), stretched(column, columns, side)]
  return {
    index: [y.low * side + x.low, y.low * side + x.high, y.high * side + x.low, y.high * side + x.high],
    weight: [
      (1 - y.share) * (1 - x.share),
      (1 - y.share) * x.share,
      y.share * (1 - x.share),
      y.share * x.share,
    ],
  }
}

/**
 * Patches that see each other: `index` `[segments, longest]`, -1 where one is shorter, and the
 * place of each patch in it, flat.
 */
function segmentFeeds(name: string, lengths: readonly number[], merge: number): Record<string, Tensor> {
  const longest = Math.max(...lengths)
  const index = new Array<number>(lengths.length * longest).fill(-1)
  const places: number[] = []
  for (const [segment, length] of lengths.entries()) {
    for (let i = 0; i < length; i++) {
      index[segment * longest + i] = places.length
      places.push(segment * longest + i)
    }
  }
  const cell = merge * merge
  return {
    [`${name}_patches`]: i64([lengths.length, longest], index),
    [`${name}_places`]: i64([places.length / cell, cell], places),
  }
}

/**
 * Inputs of the tower for the pictures of one run, in order.
 * @returns `patch_rows`, `patch_columns` `[cells, merge²]`; `picture_patches`
 * `[pictures, longest]`, `picture_places` `[cells, merge²]`; with windows the same for `window`,
 * and `cell_order`, `cell_places` `[cells]`: where a cell comes from, and where it goes; with
 * learned positions `table_index`, `table_weights` `[cells, merge², 4]`
 */
export function towerFeeds(
  { merge, window, positionSide }: QwenTowerShape,
  grids: readonly Grid[],
): Record<string, Tensor> {
  const cell = merge * merge
  const order: number[] = []
  const rows: number[] = []
  const columns: number[] = []
  const mixes: TableMix[] = []
  const windows: number[] = []
  let before = 0
  for (const grid of grids) {
    const cells = grid.rows * grid.columns
    const groups =
      window === undefined ? [Array.from({ length: cells }, (_, i) => i)] : windowsOf(grid, window.cells)
    windows.push(...groups.map((group) => group.length * cell))
    for (const at of groups.flat()) {
      order.push(before + at)
      for (let inner = 0; inner < cell; inner++) {
        const row = Math.floor(at / grid.columns) * merge + Math.floor(inner / merge)
        const column = (at % grid.columns) * merge + (inner % merge)
        rows.push(row)
        columns.push(column)
        if (positionSide !== undefined)
          mixes.push(tableMix([row, grid.rows * merge], [column, grid.columns * merge], positionSide))
      }
    }
    before += cells
  }
  const places = new Array<number>(before)
  for (const [to, from] of order.entries()) places[from] = to
  const pictures = grids.map((grid) => grid.rows * grid.columns * cell)
  return {
    patch_rows: i64([before, cell], rows),
    patch_columns: i64([before, cell], columns),
    ...segmentFeeds('picture', pictures, merge),
    ...(window === undefined
      ? {}
      : {
          ...segmentFeeds('window', windows, merge),
          cell_order: i64([before], order),
          cell_places: i64([before], places),
        }),
    ...(positionSide === undefined
      ? {}
      : {
          table_index: i64(
            [before, cell, 4],
            mixes.flatMap(({ index }) => index),
          ),
          table_weights: f32(
            [before, cell, 4],
            mixes.flatMap(({ weight }) => weight),
          ),
        }),
  }
}
