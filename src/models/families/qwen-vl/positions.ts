/**
 * @file Positions of tokens in three numbers (frame, row, column), and which of them each rotary
 * frequency reads.
 * @see Wang et al. 2024 (M-RoPE); specs/ar-vlms.md §3.5, §4.5
 */

/** Tokens of a picture: rows and columns of merged cells. */
export interface Grid {
  readonly rows: number
  readonly columns: number
}

/** Where a picture stands in the sequence. */
export interface PlacedGrid {
  readonly start: number
  readonly grid: Grid
}

export const AXES = 3

/**
 * Text counts up on all axes; a picture's tokens share the frame and spread over rows and columns;
 * what follows goes on after the largest.
 * @param length of the sequence; a picture that reaches beyond it is cut
 * @param images in their order
 * @returns `[3, length]`
 * @example multiAxisPositions(4, [{ start: 1, grid: { rows: 1, columns: 2 } }]) // [[0, 1, 1, 3],
 *   [0, 1, 1, 3], [0, 1, 2, 3]]
 */
export function multiAxisPositions(length: number, images: readonly PlacedGrid[]): number[][] {
  const axes: number[][] = Array.from({ length: AXES }, () => [])
  const push = (...place: number[]) => {
    for (const [axis, value] of place.entries()) axes[axis]!.push(value)
  }
  let next = 0
  for (const { start, grid } of images) {
    while (axes[0]!.length < start) push(next, next, next++)
    for (let row = 0; row < grid.rows; row++)
      for (let column = 0; column < grid.columns; column++) push(next, next + row, next + column)
    next += Math.max(grid.rows, grid.columns)
  }
  while (axes[0]!.length < length) push(next, next, next++)
  return axes.map((values) => values.slice(0, length))
}

/**
 * How many pictures transformers 4 takes for such: as many as placeholders stand right after a
 * `<|vision_start|>`. It then gives rows and columns to the first ones in the sequence, whichever
 * those are.
 */
export function countedImages(
  inputIds: readonly number[],
  { startId, imageId }: { startId: number; imageId: number },
): number {
  return inputIds.filter((id, at) => id === imageId && inputIds[at - 1] === startId).length
}

/**
 * Frequencies in blocks: the first `section[0]` read the frame, the next the row, the last the
 * column (Qwen2-VL, Qwen2.5-VL).
 */
export function blockAxes(section: readonly number[]): number[] {
  return section.flatMap((count, axis) => new Array<number>(count).fill(axis))
}

/**
 * Frequencies in turn: frame, row, column, frame, … as long as an axis has some left; then the
 * frame (Qwen3-VL).
 */
export function interleavedAxes(section: readonly number[], frequencies: number): number[] {
  return Array.from({ length: frequencies }, (_, j) =>
    j % AXES > 0 && j < AXES * section[j % AXES]! ? j % AXES : 0,
  )
}
