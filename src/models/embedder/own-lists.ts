/** @file Lists of candidates in blocks of a pool, and how exact their scores are. */

/** The places of a list that lie within a block of the pool, counted from its start. */
export interface EntriesWithin {
  readonly places: Int32Array
  /** Where they stand in the list; undefined: all of the list, in its order. */
  readonly at: readonly number[] | undefined
}

/** Finds the part of a list in `count` candidates from `first` on. */
export function entriesWithin(list: ArrayLike<number>, first: number, count: number): EntriesWithin {
  const inside = (place: number) => place >= first && place < first + count
  let held = 0
  for (let i = 0; i < list.length; i++) if (inside(list[i]!)) held += 1
  if (held === list.length) {
    if (first === 0 && list instanceof Int32Array) return { places: list, at: undefined }
    const places = Int32Array.from(list)
    return { places: first === 0 ? places : places.map((place) => place - first), at: undefined }
  }
  const at: number[] = []
  for (let i = 0; i < list.length; i++) if (inside(list[i]!)) at.push(i)
  return { places: Int32Array.from(at, (i) => list[i]! - first), at }
}

/**
 * How far a score in f32 can be from the exact inner product, whatever the order of its additions
 * and the engine (Higham 2002, §3.1), doubled.
 * @param dim  elements of a vector
 * @param norms product of the lengths of both vectors
 */
export function scoreBound(dim: number, norms: number): number {
  return 2 * (dim + 8) * 2 ** -24 * norms
}
