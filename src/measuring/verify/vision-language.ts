/**
 * @file One case of a vision-language fixture: prompt, pixels, ids, then every stage from the tower
 * to the pooled vectors.
 */

import type { ModelCase } from './model-fixture.ts'
import { compareDecoder, compareUnmasked } from './vision-language-decoder.ts'
import { prepareItems } from './vision-language-items.ts'
import { compareCodes, compareVision } from './vision-language-pictures.ts'
import type { VisionLanguageSubject } from './vision-language-subject.ts'

/** Verifies one case. */
export async function verifyVisionLanguageCase(at: ModelCase, subject: VisionLanguageSubject): Promise<void> {
  const prepared = await prepareItems(at, subject)
  const rows = await compareVision(at, prepared, subject)
  compareCodes(at, prepared, rows, subject)
  const seq = Math.max(...prepared.map(({ inputIds }) => inputIds.length))
  const places = prepared.map(({ inputIds: { length } }) => ({
    start: at.padding_side === 'left' ? seq - length : 0,
    length,
  }))
  const batch = { prepared, rows, places, seq }
  await compareDecoder(at, 'native', batch, subject)
  for (const mask of ['causal', 'bidirectional'] as const)
    if (Object.keys(at.expect[mask]).length > 0) await compareDecoder(at, mask, batch, subject)
  if (typeof at.expect.unmasked === 'string') await compareUnmasked(at, at.expect.unmasked, batch, subject)
}
