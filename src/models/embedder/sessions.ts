/**
 * @file The sessions of one embedder: graphs over the same weights, opened at their first use. What
 * the state of the weights feeds (adapters, trained arrays) goes into every run.
 */

import { compile } from '../../engine/graph/compile.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { rootScope, type Scope } from '../../engine/nn/scope.ts'
import { assertFinite } from '../../engine/runtime/finite.ts'
import { openSession, type RunOptions, type Session } from '../../engine/runtime/session.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { EncoderOptions } from './encoder.ts'

/** A graph that runs when it is first asked to. */
export interface LazySession {
  /** Opens it now. */
  open(): Promise<void>
  /** @throws RuntimeError `runtime/not-finite` when an output holds a NaN or an infinity */
  run(feeds: Readonly<Record<string, Tensor>>, options?: RunOptions): Promise<Record<string, Tensor>>
}

/** How graphs of a model are opened. */
export type SessionsOptions = Pick<
  EncoderOptions,
  'weights' | 'contract' | 'device' | 'threads' | 'memory' | 'warn'
>

export class EmbedderSessions {
  readonly #options: SessionsOptions
  readonly #open: Promise<Session>[] = []

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /**
   * @param build declares inputs and outputs of a graph
   * @throws CheckpointError `checkpoint/adapter-target` when the graph can't run an update
   */
  session(name: string, build: (scope: Scope) => void): LazySession {
    const { weights: state, contract, device = 'cpu', threads, memory, warn } = this.#options
    const graph = new Graph()
    build(rootScope(graph, state.scope))
    const compiled = compile(graph, { precision: contract.dtype, halfProducts: device !== 'cpu' })
    const fed = state.feeds(compiled)
    const inputs = new Set(compiled.inputs.map((input) => input.name))
    const open = async () => {
      const weights = await state.source(compiled)
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
      run: async (feeds, options) => {
        const session = await opened()
        // A readout of the decoder's inputs needs no mask and no positions: its graph has neither.
        const used = Object.entries(feeds).filter(([name]) => inputs.has(name))
        const results = await session.run({ ...Object.fromEntries(used), ...fed }, options)
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
