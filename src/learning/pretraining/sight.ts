/** @file How a twin sees pictures while it is trained and measured. */

import type { SessionOptions } from '../../engine/runtime/session.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { openCodeReader } from './image-tokenizer/reader.ts'
import { IMAGE_TOKENIZERS } from './image-tokenizer/shape.ts'
import type { TowerWorld } from './tower-batch.ts'
import type { TwinSamples } from './twin-samples.ts'
import { seesCodes, type Twin } from './twins/twin.ts'

export interface Sight {
  /** The samples as the twin's batches want them: with codes, where it reads those. */
  see(drawn: TwinSamples, at: TowerWorld, signal?: AbortSignal): Promise<TwinSamples>
  close(): Promise<void>
}

/** The prefix of an image tokenizer's parameters within a twin. */
const WITHIN = 'image_tokenizer.'

/**
 * A tower is part of the graph of its twin. An image tokenizer runs before it, because its codes
 * are also what is learnt.
 * @param parameters of the picture model, or of the whole twin
 */
export async function openSight(
  twin: Pick<Twin, 'pictures'>,
  parameters: Readonly<Record<string, Tensor>>,
  options: Pick<SessionOptions, 'threads' | 'thread'>,
): Promise<Sight> {
  if (!seesCodes(twin)) return { see: async (drawn) => drawn, close: async () => {} }
  const bare = Object.entries(parameters).map(
    ([name, value]) => [name.startsWith(WITHIN) ? name.slice(WITHIN.length) : name, value] as const,
  )
  const reader = await openCodeReader(
    Object.fromEntries(bare),
    IMAGE_TOKENIZERS[twin.pictures].stack,
    options,
  )
  return {
    async see(drawn, at, signal) {
      const shown = drawn.pictures.filter((picture) => picture !== null)
      const found = await reader.codes(shown, at.sheets, signal)
      let next = 0
      return { ...drawn, codes: drawn.pictures.map((picture) => (picture === null ? null : found[next++]!)) }
    },
    close: () => reader.close(),
  }
}
