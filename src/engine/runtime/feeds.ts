/**
 * @file Checks feeds against the graph's inputs before the engine gets them: the engine's own
 * messages do not name the feed.
 */

import { firstOf } from '../../foundation/numeric/errors.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { FeedSlot } from '../graph/compiled.ts'
import { evaluateDim } from '../graph/dims.ts'
import { RuntimeError } from './errors.ts'

/**
 * Checks that each input is fed, with its dtype and dims, and that a symbolic dimension has one
 * size in all feeds of a run.
 * @throws RuntimeError `runtime/feeds` listing every feed that doesn't fit
 */
export function checkFeeds(slots: readonly FeedSlot[], feeds: Readonly<Record<string, Tensor>>): void {
  const sizes = bindSymbols(slots, feeds)
  const problems: string[] = []
  for (const slot of slots) {
    const problem = Object.hasOwn(feeds, slot.name) ? mismatch(slot, feeds[slot.name]!, sizes) : 'is not fed'
    if (problem !== undefined) problems.push(`${slot.name} ${problem}`)
  }
  for (const name of Object.keys(feeds)) {
    if (!slots.some((slot) => slot.name === name)) problems.push(`${name} is no input of this graph`)
  }
  if (problems.length > 0) {
    throw new RuntimeError('feeds', {
      message: `the feeds do not fit the graph: ${firstOf(problems)}`,
      hint: `The inputs are ${firstOf(slots.map(({ name, dtype, dims }) => `${name} ${dtype} [${dims.join(', ')}]`))}.`,
    })
  }
}

/**
 * Finds the size of each symbol that is a dimension by itself. The first feed that has it decides.
 */
function bindSymbols(
  slots: readonly FeedSlot[],
  feeds: Readonly<Record<string, Tensor>>,
): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const { name, dims } of slots) {
    dims.forEach((dim, axis) => {
      const size = Object.hasOwn(feeds, name) ? feeds[name]!.dims[axis] : undefined
      if (typeof dim === 'string' && /^[A-Za-z_]\w*$/.test(dim) && size !== undefined && !sizes.has(dim))
        sizes.set(dim, size)
    })
  }
  return sizes
}

function mismatch(
  { dtype, dims }: FeedSlot,
  fed: Tensor,
  sizes: ReadonlyMap<string, number>,
): string | undefined {
  const got = `[${fed.dims.join(', ')}]`
  const asked = `[${dims.join(', ')}]`
  if (fed.dtype !== dtype) return `is ${fed.dtype}, the graph asks for ${dtype}`
  if (fed.dims.length !== dims.length) return `has shape ${got}, the graph asks for ${asked}`
  for (const [axis, dim] of dims.entries()) {
    const size = evaluateDim(dim, sizes)
    if (size === undefined || size === fed.dims[axis]) continue
    return `has shape ${got}, the graph asks for ${asked}${typeof dim === 'string' ? ` where ${dim} is ${size}` : ''}`
  }
  return undefined
}
