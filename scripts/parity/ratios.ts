/**
 * @file How a device embeds, held against the CPU in f32: vectors by their cosine, seconds by their
 * ratio.
 */

import type { Device } from '../../src/engine/runtime/devices.ts'
import { BifocalError } from '../../src/foundation/numeric/errors.ts'
import { dot } from '../../src/foundation/numeric/linear.ts'
import { Embedder } from '../../src/models/embedder/embedder.ts'
import { fastestPass } from '../../src/models/embedder/precision.ts'
import { sampleItems } from '../../src/models/embedder/sample-items.ts'
import type { LoadOptions } from '../../src/models/embedder/subject.ts'

/** Cosines to the CPU's f32 that count as equal. */
const LEAST = { f32: 0.99999, f16: 0.999 } as const
/** Timed passes; the fastest counts. */
const ROUNDS = 5

export interface Ratio {
  /** The device's precision. */
  readonly dtype: 'f32' | 'f16'
  readonly passed: boolean
  /** The outcome, for people. */
  readonly words: string
}

/**
 * The built-in items' vectors of a model on a device, in f32 and f16, beside the CPU's in f32.
 * @throws as `Embedder.load` and `Embedder.embed`, for the CPU
 */
export async function ratiosOf(model: string, device: Device): Promise<Ratio[]> {
  const cpu = await embedded(model, { device: 'cpu', dtype: 'f32' })
  const ratios: Ratio[] = []
  for (const dtype of ['f32', 'f16'] as const) {
    const made = await embedded(model, { device, dtype }).catch(refusal)
    if (made instanceof BifocalError) {
      ratios.push({ dtype, passed: false, words: `${made.code}: ${made.message}` })
      continue
    }
    const least = Math.min(...made.vectors.map((vector, row) => dot(vector, cpu.vectors[row]!)))
    const [seconds, before] = [made.seconds, cpu.seconds].map((value) => `${(1000 * value).toFixed(1)} ms`)
    const speed = `${seconds} (cpu f32 ${before}): ${(cpu.seconds / made.seconds).toFixed(2)} times as fast`
    const words = `${speed}; least cosine to the CPU ${least.toFixed(6)} (allowed ${LEAST[dtype]})`
    ratios.push({ dtype, passed: least >= LEAST[dtype], words })
  }
  return ratios
}

/** A device may lack a precision; the other's figures still count. */
function refusal(error: unknown): BifocalError {
  if (error instanceof BifocalError) return error
  throw error
}

/** The built-in items' vectors, and the seconds of a pass with pictures that no cache knows. */
async function embedded(
  model: string,
  options: LoadOptions,
): Promise<{ vectors: Float32Array[]; seconds: number }> {
  const embedder = await Embedder.load(model, options)
  try {
    const itemsOf = (round: number) => sampleItems(round).map(({ item }) => item)
    const { dims, data } = (await embedder.embed(itemsOf(0))).vectors
    const [count = 0, width = 0] = dims
    const seconds = await fastestPass(embedder, itemsOf, ROUNDS)
    return {
      vectors: Array.from({ length: count }, (_, row) => data.slice(row * width, (row + 1) * width)),
      seconds,
    }
  } finally {
    await embedder.close()
  }
}
