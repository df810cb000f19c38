/**
 * @file The sessions of one embedder: graphs over the same checkpoint, opened at their first use,
 * adapters fed with every run.
 */

import { compile, Graph } from '../../engine/graph/index.ts'
import { rootScope, type Scope } from '../../engine/nn/index.ts'
import { assertFinite } from '../../engine/runtime/finite.ts'
import { openSession, type Session } from '../../engine/runtime/session.ts'
import { firstOf } from '../../foundation/numeric/errors.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { type AdaptedWeights, adaptedWeights } from '../families/adapted.ts'
import type { Model } from '../families/model.ts'
import type { EncoderOptions } from './encoder.ts'

/** A graph that runs when it is first asked to. */
export interface LazySession {
  /** Opens it now. */
  open(): Promise<void>
  /** @throws RuntimeError `runtime/not-finite` when an output holds a NaN or an infinity */
  run(feeds: Readonly<Record<string, Tensor>>, signal?: AbortSignal): Promise<Record<string, Tensor>>
}

export class EmbedderSessions {
  readonly #options: EncoderOptions
  readonly #weights: AdaptedWeights
  readonly #open: Promise<Session>[] = []

  /** @throws CheckpointError `checkpoint/adapter-target` when the adapter is for another model */
  constructor(model: Model, options: EncoderOptions) {
    const { checkpoint, adapter, adapterMode: mode, warn } = options
    this.#options = options
    this.#weights = adaptedWeights({ checkpoint, model, adapter, mode })
    const untouched = this.#weights.bound?.untouched ?? []
    if (untouched.length > 0) {
      warn?.(
        `the adapter has no tensors for ${firstOf(untouched, 3)}, which its config targets: they stay as they are`,
      )
    }
  }

  /**
   * @param build declares inputs and outputs of a graph
   * @throws CheckpointError `checkpoint/adapter-target` when the graph can't run an update
   */
  session(name: string, build: (scope: Scope) => void): LazySession {
    const { contract, device = 'cpu', threads, memory, warn } = this.#options
    const graph = new Graph()
    build(rootScope(graph, this.#weights.scope))
    const compiled = compile(graph, { precision: contract.dtype, halfProducts: device !== 'cpu' })
    const fed = this.#weights.feeds(compiled)
    const open = async () => {
      const weights = await this.#weights.source(compiled)
      return await openSession(compiled, { weights, device, threads, memory, warn, name })
    }
    let opening: Promise<Session> | undefined
    const opened = () => {
      if (opening === undefined) {
        opening = open()
        this.#open.push(opening)
      }
      return opening
    }
    return {
      open: async () => {
        await opened()
      },
      run: async (feeds, signal) => {
        const session = await opened()
        const results = await session.run({ ...feeds, ...fed }, { signal })
        assertFinite(results)
        return results
      },
    }
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#open)
    await Promise.all(
      opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value.close()] : [])),
    )
  }
}
