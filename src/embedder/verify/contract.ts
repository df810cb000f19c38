/** @file Verifies a contract: its golden items are embedded again and compared with the vectors that were kept. */

import { basename, join } from 'node:path'
import { loadSafetensors } from '../../checkpoint/safetensors.ts'
import { toF32 } from '../../numeric/float.ts'
import { f32 } from '../../numeric/tensor.ts'
import type { Device } from '../../runtime/devices.ts'
import { readContract } from '../contract.ts'
import { Embedder } from '../embedder.ts'
import { EmbedderError } from '../errors.ts'
import { VerifyRecorder, type VerifyReport } from './report.ts'

/** Name of the kept vectors in their file: `[items, dim] f32`. */
const VECTORS = 'vectors'

/**
 * @param path a folder with an `embedder.json` that has golden vectors
 * @throws EmbedderError `embedder/no-golden`; what `Embedder.load` and `embed` throw
 */
export async function verifyContract(
  path: string,
  { device, signal }: { device?: Device; signal?: AbortSignal } = {},
): Promise<VerifyReport> {
  const located = await readContract(path)
  const golden = located?.contract.golden
  if (located === undefined || golden === undefined) {
    throw new EmbedderError('no-golden', {
      message: `${path} has no golden vectors to verify`,
      hint: 'Tuned models have some in their embedder.json. To compare a family with its reference, use --golden DIR.',
    })
  }
  const kept = (await loadSafetensors(join(located.dir, golden.vectors))).get(VECTORS)
  const embedder = await Embedder.load(path, { device })
  try {
    const items = golden.items.map(({ image, ...words }) => ({ ...words, image: image && join(located.dir, image) }))
    const { vectors } = await embedder.embed(items, { signal })
    const expected = kept === undefined ? f32([0], []) : toF32(kept)
    const recorder = new VerifyRecorder()
    recorder.compare({ case: 'golden', stage: 'vector', key: VECTORS }, vectors, expected, golden.tolerance)
    return recorder.report(basename(located.dir), 'contract', [VECTORS])
  } finally {
    await embedder.close()
  }
}
