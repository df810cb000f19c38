/**
 * @file Which pairs belong on one side of a split. A rotation, an axis or a remedy that was fitted
 * to a picture or a text knows something about every other pair that has it.
 */

import { shapeOf } from '../../foundation/numeric/linear.ts'
import type { Random } from '../../foundation/numeric/random.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { Pairs } from './pairs.ts'

/**
 * `[pairs]` for each pair the first pair that it is linked to, maybe itself. Two pairs are linked
 * where they share a cluster, an image vector or a text vector, or are both linked to a third.
 * @param clusters `[pairs]` such as the picture of each
 */
export function linkedPairs({ images, texts }: Pairs, clusters?: readonly string[]): Uint32Array {
  const { rows: count } = shapeOf(images)
  const link = Uint32Array.from({ length: count }, (_, i) => i)
  const firstOf = (row: number) => {
    let first = row
    while (link[first] !== first) first = link[first]!
    link[row] = first
    return first
  }
  for (const names of [clusters, rowBytes(images), rowBytes(texts)]) {
    if (names === undefined) continue
    const seen = new Map<string, number>()
    for (const [row, name] of names.entries()) {
      const other = seen.get(name)
      if (other === undefined) seen.set(name, row)
      else {
        const [a, b] = [firstOf(other), firstOf(row)]
        link[Math.max(a, b)] = Math.min(a, b)
      }
    }
  }
  return link.map((_, row) => firstOf(row))
}

/**
 * Splits pairs in two halves: linked ones come into the same half, and each goes to the smaller one
 * as they come.
 * @param linked `[pairs]` as `linkedPairs`
 * @returns `[pairs]` 0 or 1
 */
export function halvesOf(linked: ArrayLike<number>): Uint8Array {
  const sizes = new Map<number, number>()
  for (let row = 0; row < linked.length; row++) sizes.set(linked[row]!, (sizes.get(linked[row]!) ?? 0) + 1)
  const [halves, filled] = [new Map<number, number>(), [0, 0]]
  for (const [first, size] of sizes) {
    const half = filled[1]! < filled[0]! ? 1 : 0
    halves.set(first, half)
    filled[half] = filled[half]! + size
  }
  return Uint8Array.from(linked, (first) => halves.get(first)!)
}

/**
 * A part of the pairs: linked ones are all in it or none.
 * @param linked `[pairs]` as `linkedPairs` @param share of the pairs, on average
 */
export function partOf(linked: ArrayLike<number>, share: number, random: Random): Set<number> {
  const [drawn, part] = [new Map<number, boolean>(), new Set<number>()]
  for (let row = 0; row < linked.length; row++) {
    const first = linked[row]!
    if (!drawn.has(first)) drawn.set(first, random() < share)
    if (drawn.get(first)) part.add(row)
  }
  return part
}

/** `[rows]` for each row the first one that is equal to it. */
export function firstOfEqual(matrix: Tensor<'f32'>): number[] {
  const first = new Map<string, number>()
  return rowBytes(matrix).map((bytes, row) => {
    if (!first.has(bytes)) first.set(bytes, row)
    return first.get(bytes)!
  })
}

/** `[rows]` equal for equal rows. */
export function rowBytes(matrix: Tensor<'f32'>): string[] {
  const { rows, dim } = shapeOf(matrix)
  const { buffer, byteOffset } = matrix.data
  return Array.from({ length: rows }, (_, row) =>
    Buffer.from(buffer, byteOffset + row * dim * 4, dim * 4).toString('latin1'),
  )
}
