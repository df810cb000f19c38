/** @file Finding marks: the one under the pointer, the next one on a side. */

export interface Place {
  /** Pixels in the map. */
  readonly left: number
  readonly top: number
}

/** The place nearest to a point, within a distance. */
export function nearestTo<P extends Place>(
  places: readonly P[],
  left: number,
  top: number,
  within = Number.POSITIVE_INFINITY,
): P | undefined {
  let [best, least]: [P | undefined, number] = [undefined, within]
  for (const place of places) {
    const distance = Math.hypot(place.left - left, place.top - top)
    if (distance < least) [best, least] = [place, distance]
  }
  return best
}

/**
 * The nearest place on the side of an arrow key; the first key leads to the place furthest left.
 */
export function nextPlace<P extends Place>(
  places: readonly P[],
  from: P | undefined,
  key: string,
): P | undefined {
  const side = SIDES.get(key)
  if (side === undefined) return undefined
  if (from === undefined)
    return places.reduce<P | undefined>(
      (first, place) => (first === undefined || place.left < first.left ? place : first),
      undefined,
    )
  const ahead = places.filter((place) => {
    const [x, y] = [place.left - from.left, place.top - from.top]
    // Within 45° of the arrow.
    return x * side[0] + y * side[1] > Math.abs(x * side[1] - y * side[0])
  })
  return nearestTo(ahead, from.left, from.top)
}

const SIDES: ReadonlyMap<string, readonly [x: number, y: number]> = new Map([
  ['ArrowLeft', [-1, 0]],
  ['ArrowRight', [1, 0]],
  ['ArrowUp', [0, -1]],
  ['ArrowDown', [0, 1]],
])
