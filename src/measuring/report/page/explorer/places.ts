/** @file Finding marks: the one under the pointer, the next one on a side. */

import type { Places } from './painting.ts'

/** Position of the mark nearest to a point, within a distance. */
export function nearestTo(
  { left, top }: Places,
  [x, y]: readonly [number, number],
  within: number,
  counts: (index: number) => boolean = () => true,
): number | undefined {
  let [best, least]: [number | undefined, number] = [undefined, within]
  for (let index = 0; index < left.length; index++) {
    const distance = Math.hypot(left[index]! - x, top[index]! - y)
    if (distance < least && counts(index)) [best, least] = [index, distance]
  }
  return best
}

/**
 * The nearest mark on the side of an arrow key; the first key leads to the mark furthest left.
 * @param from    position of a mark
 * @param counts  whether a mark may be reached
 */
export function nextPlace(
  places: Places,
  from: number | undefined,
  key: string,
  counts: (index: number) => boolean,
): number | undefined {
  const side = SIDES.get(key)
  if (side === undefined) return undefined
  const { left, top } = places
  if (from === undefined) {
    let first: number | undefined
    for (let index = 0; index < left.length; index++)
      if (counts(index) && (first === undefined || left[index]! < left[first]!)) first = index
    return first
  }
  const origin = [left[from]!, top[from]!] as const
  const ahead = (index: number) => {
    const [x, y] = [left[index]! - origin[0], top[index]! - origin[1]]
    // Within 45° of the arrow.
    return counts(index) && x * side[0] + y * side[1] > Math.abs(x * side[1] - y * side[0])
  }
  return nearestTo(places, origin, Number.POSITIVE_INFINITY, ahead)
}

const SIDES: ReadonlyMap<string, readonly [x: number, y: number]> = new Map([
  ['ArrowLeft', [-1, 0]],
  ['ArrowRight', [1, 0]],
  ['ArrowUp', [0, -1]],
  ['ArrowDown', [0, 1]],
])
