/** @file A maker of vectors that are known, for tests of stores. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { f32 } from '../src/foundation/numeric/tensor.ts'
import { type KeyedItem, keyed } from '../src/inputs/data/item.ts'
import type { VectorMaker } from '../src/models/embedder/vectors/maker.ts'

export const text = (word: string): KeyedItem => keyed({ text: word })
export const items = Array.from({ length: 600 }, (_, i) => text(`item ${i}`))
export const numberOf = ({ text: words = '' }: KeyedItem) => Number(words.slice(5))

/** Gives item n the vectors [n] and [n, sum of all n that came with it]: company shows. */
export class Counting implements VectorMaker {
  readonly id = 'counting'
  readonly readouts = ['a', 'b']
  readonly made: number[] = []
  readonly hash: string

  constructor(hash = 'abc') {
    this.hash = hash
  }

  async embed(given: readonly KeyedItem[]) {
    this.made.push(given.length)
    const numbers = given.map(numberOf)
    const sum = numbers.reduce((a, b) => a + b, 0)
    const pairs = numbers.flatMap((n) => [n, sum])
    return { vectors: { a: f32([given.length, 1], numbers), b: f32([given.length, 2], pairs) } }
  }
}

/** Path below the folder → content, of every file. */
export function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.\w+$/.test(name),
  )
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(folder, name), 'base64')]))
}
