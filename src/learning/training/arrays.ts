/** @file Named f32 arrays: parameters, their gradients, the moments of an optimizer. */

import { createHash } from 'node:crypto'
import { isF32, type Tensor } from '../../foundation/numeric/tensor.ts'

/** Arrays by parameter name: parameters, or their gradients of the same dims. */
export type NamedArrays = Readonly<Record<string, Tensor<'f32'>>>

/**
 * Copies saved arrays into live ones. Where names or dims differ, it copies nothing and calls
 * `refuse`.
 */
export function restoreArrays(
  live: NamedArrays,
  saved: Readonly<Record<string, Tensor>>,
  refuse: (problems: string[]) => never,
): void {
  const sources = new Map<Tensor<'f32'>, Tensor<'f32'>>()
  const problems: string[] = []
  for (const [name, target] of Object.entries(live)) {
    const source = Object.hasOwn(saved, name) ? saved[name] : undefined
    if (source === undefined) problems.push(`${name} is missing`)
    else if (!isF32(source)) problems.push(`${name} is ${source.dtype}, expected f32`)
    else if (source.dims.join() !== target.dims.join())
      problems.push(`${name} has shape [${source.dims}], expected [${target.dims}]`)
    else sources.set(target, source)
  }
  for (const name of Object.keys(saved))
    if (!Object.hasOwn(live, name)) problems.push(`${name} is not expected`)
  if (problems.length > 0) refuse(problems)
  for (const [target, source] of sources) target.data.set(source.data)
}

/** Content hash of named values, hexadecimal; the order of the names does not matter. */
export function hashArrays(arrays: Readonly<Record<string, Tensor>>): string {
  const hash = createHash('sha256')
  for (const name of Object.keys(arrays).sort()) {
    const { data } = arrays[name]!
    hash.update(`${name}\n`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  return hash.digest('hex')
}
