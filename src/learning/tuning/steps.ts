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
import type { ChunkInputs, SeenPicture } from './chunk-inputs.ts'
import {
  type CachedChunk,
  floatsIn,
  gradCache,
  lossValue,
  runWith,
  sessionLoss,
  upstreamFeeds,
} from './gradcache.ts'
import { longestFirst, numbersOf } from './item-order.ts'
import type { ContrastiveLoss } from './losses/loss.ts'
import { type BatchPair, itemsOf, pairFeeds, touches } from './micro-batch.ts'
import type { BadItem, LeaveOut, MicroStep, PlannedStep, Turn } from './micro-step.ts'
import { splitByLength } from './split.ts'
import type { OpenedGraph, StepSessions } from './step-sessions.ts'
import type { Dropout } from './trained/dropout.ts'

export interface StepsOptions {
  /** Groups of similar length in one graph, at most; default 3. */
  groups?: number
  sessions: StepSessions
  inputs: ChunkInputs
  /** Where elements are dropped while training. */
  dropout?: Dropout
  loss: ContrastiveLoss
  /** Trained scalars of the loss, changed in place by the optimizer. */
  lossParameters: NamedArrays
  /** Of the whole training. */
  updates: number
  /** Positions that run at once, padding included. */
  chunkTokens: number
}

/** A micro-batch as dropout knows it. */
interface Dropping {
  readonly turn: Turn
  /** Of items and pictures, by their keys. */
  readonly numbers: ReadonlyMap<string, number>
}

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
    turn: Turn,
    leaveOut: LeaveOut,
    signal?: AbortSignal,
  ): Promise<PlannedStep> {
    const { inputs, chunkTokens } = this.#options
    const bad: BadItem[] = []
    const inOrder = itemsOf(pairs)
    const dropping = { turn, numbers: numbersOf(inOrder) }
    const items = longestFirst(inOrder)
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
    const scalars = this.#stepFeeds(turn.update)
    const lost = new Set(bad.map(({ key }) => key))
    const wanted = new Set(itemsOf(pairs.filter((pair) => !touches(pair, lost))).map(({ key }) => key))
    const used = ready.filter(({ item }) => wanted.has(item.key))
    if (read === items.length && this.#fitsWhole(used)) {
      const left = bad.length === 0 ? pairs : leaveOut(bad, pairs)
      const groups = this.#groups(used)
      const keys = groups.map((group) => group.map(({ item }) => item.key))
      const sequences = groups.map((group) => group.map(({ sequence }) => sequence))
      const { feeds, pictures } = await inputs.feeds(sequences, signal)
      const kind = { groups: groups.length, pictures: inputs.pictures(sequences.flat()) }
      const all = { ...feeds, ...scalars, ...pairFeeds(left, rowsOf(keys.flat())) }
      return {
        whole: true,
        run: async (running) => {
          const opened = await this.#options.sessions.whole(kind)
          const dropped = this.#dropped(opened, dropping, keys, sequences, pictures)
          const outputs = await runWith(
            opened.session,
            { ...opened.arrays, ...all, ...dropped },
            { signal: running },
          )
          return { ...stepResultOf(outputs), pairs: left, chunks: 1 }
        },
      }
    }
    return {
      whole: false,
      run: async (running) =>
        await this.#byChunks(
          pairs,
          scalars,
          { ready, rest: items.slice(read), bad, leaveOut, dropping },
          running,
        ),
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
      dropping,
    }: {
      ready: Prepared[]
      rest: KeyedItem[]
      bad: BadItem[]
      leaveOut: LeaveOut
      dropping: Dropping
    },
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
        return this.#chunk(members, dropping)
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
    chunkOf: (members: readonly Prepared[]) => CachedChunk,
  ): AsyncGenerator<CachedChunk> {
    for await (const members of this.#members(ready, rest, bad)) yield chunkOf(members)
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

  /** @param dropping absent where nothing is dropped */
  #chunk(members: readonly Prepared[], dropping?: Dropping): CachedChunk {
    const { inputs, sessions } = this.#options
    const items = members.map(({ item }) => item)
    const keys = [items.map(({ key }) => key)]
    let sequences = members.map(({ sequence }) => sequence)
    const kind = { groups: 1, pictures: inputs.pictures(sequences) }
    const run = async (opened: OpenedGraph, more: NamedArrays, signal?: AbortSignal) => {
      const { feeds, pictures } = await inputs.feeds([sequences], signal)
      const dropped = dropping && this.#dropped(opened, dropping, keys, [sequences], pictures)
      return await runWith(opened.session, { ...opened.arrays, ...feeds, ...more, ...dropped }, { signal })
    }
    return {
      vectors: async (signal) => {
        const outputs = await run(await sessions.forward(kind, dropping !== undefined), {}, signal)
        // The backward pass makes the pixels again: those of a batch don't fit into memory.
        sequences = items.map((item, i) => inputs.kept(item, sequences[i]!))
        return floatsIn(outputs)
      },
      gradients: async (upstream, signal) =>
        stepResultOf(await run(await sessions.backward(kind), upstreamFeeds(upstream), signal)).gradients,
    }
  }

  /**
   * Feeds of dropout. The numbers of items and pictures are those of the micro-batch, so the same
   * elements are dropped whatever the chunks.
   */
  #dropped(
    { session }: OpenedGraph,
    { turn, numbers }: Dropping,
    keys: readonly (readonly string[])[],
    groups: readonly (readonly Sequence[])[],
    pictures: readonly SeenPicture[],
  ): NamedArrays {
    const { dropout } = this.#options
    if (dropout === undefined) return {}
    const units = groups.map((group, i) => {
      const rows = Math.max(...group.map(({ tokens }) => tokens))
      const list = keys[i]!.map((key) => ({ key: numbers.get(key)!, rows }))
      return [`batch${i}*seq${i}`, list] as const
    })
    const views = pictures.map(({ key, views: rows }) => ({ key: numbers.get(key)!, rows }))
    return dropout.feeds(session, { ...turn, units: { ...Object.fromEntries(units), views } })
  }

  #groups(prepared: readonly Prepared[]): Prepared[][] {
    return groupsOf(prepared, this.#options.groups ?? GROUPS)
  }

  /** Whether one graph can run all items of a micro-batch. */
  #fitsWhole(prepared: readonly Prepared[]): boolean {
    const { inputs, chunkTokens } = this.#options
    if (prepared.length === 0) return true
    const groups = this.#groups(prepared).map((group) => group.map(({ sequence }) => sequence))
    return paddedTokens(groups) <= chunkTokens && inputs.fitTogether(groups.flat())
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
