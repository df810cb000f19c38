/** @file The sessions of one embedder: graphs over the same checkpoint, opened at their first use, adapters fed with every run. */

import type { LowRankUpdate } from '../checkpoint/adapter.ts'
import { CheckpointError } from '../checkpoint/errors.ts'
import type { Model } from '../families/model.ts'
import { type CheckpointWeights, checkpointWeights } from '../families/weights.ts'
import { compile, Graph } from '../graph/index.ts'
import { rootScope, type Scope } from '../nn/index.ts'
import type { Tensor } from '../numeric/tensor.ts'
import { assertFinite } from '../runtime/finite.ts'
import { openSession, type Session } from '../runtime/session.ts'
import type { EncoderOptions } from './encoder.ts'

/** A graph that runs when it is first asked to. */
export interface LazySession {
  /** @throws RuntimeError `runtime/not-finite` when an output holds a NaN or an infinity */
  run(feeds: Readonly<Record<string, Tensor>>, signal?: AbortSignal): Promise<Record<string, Tensor>>
}

export class EmbedderSessions {
  readonly #options: EncoderOptions
  readonly #model: Model
  readonly #weights: CheckpointWeights
  readonly #unusedModules: Set<string>
  readonly #open: Promise<Session>[] = []

  constructor(model: Model, options: EncoderOptions) {
    this.#options = options
    this.#model = model
    this.#weights = checkpointWeights(options.checkpoint, model.weightSpellings)
    this.#unusedModules = new Set(options.adapter?.modules.keys())
  }

  /** @param build declares inputs and outputs of a graph */
  session(name: string, build: (scope: Scope) => void): LazySession {
    const { device, threads, memory, warn } = this.#options
    const graph = new Graph()
    const adapters: Record<string, Tensor<'f32'>> = {}
    const adapter = (linear: string) => {
      const update = this.#update(linear)
      if (update === undefined) return undefined
      adapters[`${linear}.lora_A.weight`] = update.down
      adapters[`${linear}.lora_B.weight`] = update.up
      return { rank: update.down.dims[0]!, scale: update.scale }
    }
    build(rootScope(graph, { storedDtype: this.#weights.storedDtype, adapter }))
    const compiled = compile(graph)
    const fed = compiled.inputs.flatMap((slot): [string, Tensor][] => (adapters[slot.name] ? [[slot.name, adapters[slot.name]!]] : []))
    let opening: Promise<Session> | undefined
    return {
      run: async (feeds, signal) => {
        if (opening === undefined) {
          opening = openSession(compiled, { weights: this.#weights, device, threads, memory, warn, name })
          this.#open.push(opening)
        }
        const results = await (await opening).run({ ...feeds, ...Object.fromEntries(fed) }, { signal })
        assertFinite(results)
        return results
      },
    }
  }

  /**
   * To be called when all graphs are built.
   * @throws CheckpointError `checkpoint/adapter-target` when a module of the adapter is in none of them
   */
  checkAdapter(): void {
    if (this.#unusedModules.size === 0) return
    const names = [...this.#unusedModules]
    throw new CheckpointError('adapter-target', {
      message: `the adapter does not fit the base model: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''} not found among its linear layers`,
      hint: 'Take the base model and revision that adapter_config.json names.',
    })
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#open)
    await Promise.all(opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value.close()] : [])))
  }

  /** An adapter names modules as the checkpoint's files or transformers do: any spelling of the weight. */
  #update(linear: string): LowRankUpdate | undefined {
    const modules = this.#options.adapter?.modules
    if (modules === undefined) return undefined
    const module = this.#model
      .weightSpellings(`${linear}.weight`)
      .map((name) => name.replace(/\.weight$/, ''))
      .find((name) => modules.has(name))
    if (module === undefined) return undefined
    this.#unusedModules.delete(module)
    return modules.get(module)
  }
}
