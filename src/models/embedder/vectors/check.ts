/** @file Checks vectors before a store keeps them: a stored NaN would come back as a result. */

import { EmbedderError } from '../errors.ts'
import type { StoredVectors } from './store.ts'

/**
 * @param dims elements of each readout's vectors, where they are known
 * @returns elements of each readout's vectors; undefined where there is no entry
 * @throws EmbedderError `embedder/store` for a NaN, an infinity, or vectors of another form
 */
export function checkStored(
  entries: readonly StoredVectors[],
  readouts: readonly string[],
  dims?: readonly number[],
): readonly number[] | undefined {
  const expected = dims ?? entries[0]?.vectors.map(({ length }) => length)
  for (const { key, vectors } of entries) {
    const form = vectors.map(({ length }) => length)
    if (form.length !== readouts.length || form.some((length, i) => length !== expected?.[i]))
      throw unfit(key, `vectors of ${form} elements, expected ${expected} for ${readouts.join(', ')}`)
    const bad = vectors.findIndex((vector) => !vector.every(Number.isFinite))
    if (bad >= 0) throw unfit(key, `readout ${readouts[bad]} has an element that is not finite`)
  }
  return expected
}

function unfit(key: string, why: string): EmbedderError {
  const message = `the vectors of item "${key}" cannot be stored: ${why}`
  const hint = 'The program that made these vectors is at fault: nothing of them was written.'
  return new EmbedderError('store', { message, hint })
}
