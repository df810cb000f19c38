/**
 * @file Loss and gradients of a micro-batch. Where its items fit one chunk, one graph does
 * everything; else the vectors are computed chunk by chunk, and the gradients by GradCache.
 */

import { BifocalError, InterruptedError } from '../../foundation/numeric/errors.ts'
import { joined } from '../../foundation/numeric/rows.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Sequence } from '../../models/embedder/sequence.ts'
import type { NamedArrays } from '../training/arrays.ts'
import { type StepResult, stepResultOf } from '../training/gradient.ts'
import type { ChunkInputs } from './chunk-inputs.ts'
import {
  type CachedChunk,
  floatsIn,
  gradCache,
  lossValue,
  runWith,
  sessionLoss,
  upstreamFeeds,
} from './gradcache.ts'
import type { ContrastiveLoss } from './losses/loss.ts'
import { type BatchPair, itemsOf, pairFeeds } from './micro-batch.ts'
import { splitByLength } from './split.ts'
import type { StepSessions } from './step-sessions.ts'

export interface StepsOptions {
  /** Groups of similar length in one graph, at most; default 3. */
  groups?: number
  sessions: StepSessions
  inputs: ChunkInputs
  loss: ContrastiveLoss
  /** Trained scalars of the loss, changed in place by the optimizer. */
  lossParameters: NamedArrays
  /** Of the whole training. */
  updates: number
  /** Positions that run at once, padding included. */
  chunkTokens: number
}

/** An item whose pictures or text the model can't take. */
export interface BadItem {
  readonly key: string
  readonly error: BifocalError
}

export interface MicroStep extends StepResult {
  /** The pairs that took part. */
  readonly pairs: readonly BatchPair[]
  /** How many chunks it took; 1 = one graph. */
  readonly chunks: number
  /**
   * By chunks: the row of each item, by its key, in the vectors that the loss saw, and the
   * gradients of those by readout, `[items, dim]`.
   */
  readonly cached?: { readonly rowOf: ReadonlyMap<string, number>; readonly cache: NamedArrays }
}

/** A micro-batch whose first chunk is ready to run. */
export interface PlannedStep {
  /** Whether that chunk is all of it. */
  readonly whole: boolean
  /** @throws RuntimeError, InterruptedError; what `leaveOut` throws */
  run(signal?: AbortSignal): Promise<MicroStep>
}

/** The pairs without those of items that can't be used. It throws where too many are lost. */
export type LeaveOut = (bad: readonly BadItem[], pairs: readonly BatchPair[]) => readonly BatchPair[]

interface Prepared {
  readonly item: KeyedItem
  readonly sequence: Sequence
}

/**
 * Groups of similar length in one graph: padding falls from 50 % of the positions with one to 20 %
 * with two and below 10 % with three.
 */
const GROUPS = 3

export class TuningSteps {
  readonly #options: StepsOptions

  constructor(options: StepsOptions) {
    this.#options = options
  }

  /**
   * Prepares the items of a micro-batch until they are more than a chunk.
   * @throws what `leaveOut` throws
   */
  async plan(
    pairs: readonly BatchPair[],
    update: number,
    leaveOut: LeaveOut,
    signal?: AbortSignal,
  ): Promise<PlannedStep> {
    const { inputs, chunkTokens } = this.#options
    const bad: BadItem[] = []
    const items = longestFirst(itemsOf(pairs))
    const ready: Prepared[] = []
    let tokens = 0
    let read = 0
    while (read < items.length && tokens <= chunkTokens) {
      const item = items[read++]!
      const sequence = await this.#prepare(item, bad)
      if (sequence === undefined) continue
      ready.push({ item, sequence })
      tokens += sequence.tokens
    }
    const scalars = this.#stepFeeds(update)
    if (read === items.length) {
      const left = bad.length === 0 ? pairs : leaveOut(bad, pairs)
      const wanted = new Set(itemsOf(left).map(({ key }) => key))
      const used = ready.filter(({ item }) => wanted.has(item.key))
      const groups = groupsOf(used, this.#options.groups ?? GROUPS)
      const sequences = groups.map((group) => group.map(({ sequence }) => sequence))
      if (paddedTokens(sequences) <= chunkTokens && inputs.fitTogether(sequences.flat())) {
        const feeds = await inputs.feeds(sequences, signal)
        const kind = { groups: groups.length, pictures: inputs.pictures(sequences.flat()) }
        const all = {
          ...feeds,
          ...scalars,
          ...pairFeeds(left, rowsOf(groups.flat().map(({ item }) => item.key))),
        }
        return {
          whole: true,
          run: async (running) => {
            const { session, arrays } = await this.#options.sessions.whole(kind)
            const outputs = await runWith(session, { ...arrays, ...all }, { signal: running })
            return { ...stepResultOf(outputs), pairs: left, chunks: 1 }
          },
        }
      }
    }
    return {
      whole: false,
      run: async (running) =>
        await this.#byChunks(pairs, scalars, { ready, rest: items.slice(read), bad, leaveOut }, running),
    }
  }

  /**
   * Vectors of items by the forward pass alone.
   * @returns by readout `[items, dim]`, and the row of each item by its key
   */
  async vectors(
    items: readonly KeyedItem[],
    signal?: AbortSignal,
  ): Promise<{ vectors: NamedArrays; rowOf: ReadonlyMap<string, number>; bad: readonly BadItem[] }> {
    const bad: BadItem[] = []
    const keys: string[] = []
    const parts: NamedArrays[] = []
    for await (const members of this.#members([], longestFirst(items), bad)) {
      parts.push(await this.#chunk(members).vectors(signal))
      keys.push(...members.map(({ item }) => item.key))
    }
    return { vectors: concatenated(parts), rowOf: rowsOf(keys), bad }
  }

  /** The loss over vectors, without gradients. */
  async lossOf(
    pairs: readonly BatchPair[],
    update: number,
    vectors: NamedArrays,
    rowOf: ReadonlyMap<string, number>,
    signal?: AbortSignal,
  ): Promise<StepResult> {
    const { sessions, lossParameters } = this.#options
    const feeds = { ...lossParameters, ...this.#stepFeeds(update), ...pairFeeds(pairs, rowOf) }
    return await lossValue(await sessions.loss(), feeds, vectors, signal)
  }

  async #byChunks(
    pairs: readonly BatchPair[],
    scalars: NamedArrays,
    {
      ready,
      rest,
      bad,
      leaveOut,
    }: { ready: Prepared[]; rest: KeyedItem[]; bad: BadItem[]; leaveOut: LeaveOut },
    signal?: AbortSignal,
  ): Promise<MicroStep> {
    const { sessions, lossParameters } = this.#options
    const keys: string[] = []
    let left = pairs
    let count = 0
    const session = await sessions.loss()
    const { cache, ...result } = await gradCache({
      chunks: this.#chunks(ready, rest, bad, (members) => {
        keys.push(...members.map(({ item }) => item.key))
        count++
      }),
      loss: async (vectors, running) => {
        left = bad.length === 0 ? pairs : leaveOut(bad, pairs)
        const feeds = { ...lossParameters, ...scalars, ...pairFeeds(left, rowsOf(keys)) }
        return await sessionLoss(session, feeds)(vectors, running)
      },
      signal,
    })
    return { ...result, pairs: left, chunks: count, cached: { rowOf: rowsOf(keys), cache } }
  }

  async *#chunks(
    ready: Prepared[],
    rest: readonly KeyedItem[],
    bad: BadItem[],
    onChunk: (members: readonly Prepared[]) => void,
  ): AsyncGenerator<CachedChunk> {
    for await (const members of this.#members(ready, rest, bad)) {
      onChunk(members)
      yield this.#chunk(members)
    }
  }

  /**
   * Cuts items into chunks; each is prepared when its turn comes.
   * @param ready are taken out of the array, so that their pixels don't stay in memory
   */
  async *#members(ready: Prepared[], rest: readonly KeyedItem[], bad: BadItem[]): AsyncGenerator<Prepared[]> {
    const { inputs, chunkTokens } = this.#options
    let open: Prepared[] = []
    let longest = 0
    for (let at = 0; ready.length > 0 || at < rest.length; ) {
      let next = ready.shift()
      if (next === undefined) {
        const item = rest[at++]!
        const sequence = await this.#prepare(item, bad)
        if (sequence === undefined) continue
        next = { item, sequence }
      }
      const most = Math.max(longest, next.sequence.tokens)
      const together = [...open, next].map(({ sequence }) => sequence)
      if (open.length > 0 && ((open.length + 1) * most > chunkTokens || !inputs.fitTogether(together))) {
        yield open
        open = []
        longest = 0
      }
      open.push(next)
      longest = Math.max(longest, next.sequence.tokens)
    }
    if (open.length > 0) yield open
  }

  #chunk(members: readonly Prepared[]): CachedChunk {
    const { inputs, sessions } = this.#options
    const items = members.map(({ item }) => item)
    let sequences = members.map(({ sequence }) => sequence)
    const kind = { groups: 1, pictures: inputs.pictures(sequences) }
    return {
      vectors: async (signal) => {
        const { session, arrays } = await sessions.forward(kind)
        const feeds = await inputs.feeds([sequences], signal)
        const outputs = await runWith(session, { ...arrays, ...feeds }, { signal })
        // The backward pass makes the pixels again: those of a batch don't fit into memory.
        sequences = items.map((item, i) => inputs.kept(item, sequences[i]!))
        return floatsIn(outputs)
      },
      gradients: async (upstream, signal) => {
        const { session, arrays } = await sessions.backward(kind)
        const feeds = { ...(await inputs.feeds([sequences], signal)), ...upstreamFeeds(upstream) }
        return stepResultOf(await runWith(session, { ...arrays, ...feeds }, { signal })).gradients
      },
    }
  }

  async #prepare(item: KeyedItem, bad: BadItem[]): Promise<Sequence | undefined> {
    try {
      return await this.#options.inputs.prepare(item)
    } catch (error) {
      if (!(error instanceof BifocalError) || error instanceof InterruptedError) throw error
      bad.push({ key: item.key, error })
      return undefined
    }
  }

  #stepFeeds(update: number): NamedArrays {
    const { loss, updates } = this.#options
    const scalars = Object.entries(loss.stepInputs(update, updates))
    return Object.fromEntries(scalars.map(([name, value]) => [name, f32([], [value])]))
  }
}

/**
 * Items in the order in which they run: those with the most pictures, then those with the longest
 * texts, as far as that can be told without decoding a picture.
 */
function longestFirst(items: readonly KeyedItem[]): KeyedItem[] {
  const words = ({ instruction = '', text = '' }: KeyedItem) => instruction.length + text.length
  const pictures = ({ image = [] }: KeyedItem) => image.length
  return [...items].sort((a, b) => pictures(b) - pictures(a) || words(b) - words(a))
}

/** At most `most` groups of similar length, none empty. */
function groupsOf(prepared: readonly Prepared[], most: number): Prepared[][] {
  const lengths = prepared.map(({ sequence }) => sequence.tokens)
  const split = splitByLength(lengths, Math.min(most, lengths.length))
  return split.map((group) => group.map((at) => prepared[at]!))
}

function paddedTokens(groups: readonly (readonly Sequence[])[]): number {
  return groups.reduce((sum, group) => sum + group.length * Math.max(...group.map(({ tokens }) => tokens)), 0)
}

function rowsOf(keys: readonly string[]): ReadonlyMap<string, number> {
  return new Map(keys.map((key, row) => [key, row]))
}

function concatenated(parts: readonly NamedArrays[]): NamedArrays {
  const names = Object.keys(parts[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, joined(parts.map((part) => part[name]!))!]))
}
