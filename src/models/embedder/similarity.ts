/**
 * @file Similarities of many queries with many candidates, through the engine in blocks: the memory
 * does not grow with queries × candidates.
 */

import { compile } from '../../engine/graph/compile.ts'
import { cast } from '../../engine/graph/elementwise.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { gatherElements } from '../../engine/graph/indexing.ts'
import { gemm, matMul } from '../../engine/graph/matmul.ts'
import { reshape } from '../../engine/graph/shaping.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import { f32Of } from '../../engine/runtime/results.ts'
import { openSession, type Session } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { shapeOf } from '../../foundation/numeric/linear.ts'
import { rangeOf } from '../../foundation/numeric/rows.ts'
import { f32, type Tensor, tensor } from '../../foundation/numeric/tensor.ts'
import { type Best, TopK } from '../../foundation/numeric/top-k.ts'
import { EmbedderError } from './errors.ts'
import { entriesWithin } from './own-lists.ts'

/** Vectors by their place in a list. They need not be in memory. */
export interface VectorList {
  readonly rows: number
  readonly dim: number
  /** `[count, dim]` the vectors `start … start + count − 1`. */
  read(start: number, count: number): Promise<Tensor<'f32'>>
}

/** Vectors in memory as a list. @param matrix `[rows, dim]` */
export function vectorList(matrix: Tensor<'f32'>): VectorList {
  return { ...shapeOf(matrix), read: async (start, count) => rangeOf(matrix, start, count) }
}

export interface SimilarityOptions {
  /** Default `cpu`. */
  device?: Device
  /** Default: as many as the machine has. */
  threads?: number
  /** Bytes of vectors and scores at a time; default 128 MiB. */
  blockBytes?: number
}

export interface NearestOptions {
  /** Candidates to find for each query. */
  k: number
  /** Candidates that do not count for a query, by their places. */
  excluded?: (query: number) => Iterable<number>
  signal?: AbortSignal
  /** @param share of all products that are done, 0 to 1 */
  onProgress?: (share: number) => void
}

/** A block of scores. */
interface ScoreBlock {
  /** First query and first candidate. */
  readonly query: number
  readonly candidate: number
  /** `[queries, candidates]` inner products. */
  readonly scores: Tensor<'f32'>
}

/** Outputs of the graph. */
const POOL = 'pool_scores'
const LISTED = 'listed_scores'
const OWN = 'own_scores'

const BLOCK_BYTES = 2 ** 27
/**
 * Products that may be computed for one that is wanted: so many are as fast in one large product as
 * one by one.
 */
const DENSE = 16
/** Queries of a block: enough that a block of candidates is copied seldom for its products. */
const QUERIES = 1024

export class Similarity {
  readonly #dim: number
  readonly #blockBytes: number
  readonly #open: (output: string) => Promise<Session>
  /** By their outputs. One is opened when it is first used. */
  readonly #sessions = new Map<string, Promise<Session>>()

  private constructor(dim: number, open: (output: string) => Promise<Session>, blockBytes: number) {
    this.#dim = dim
    this.#open = open
    this.#blockBytes = blockBytes
  }

  /**
   * Opens an engine for vectors of `dim` elements. Close it in the end.
   * @throws RuntimeError as `openSession`
   */
  static async open(dim: number, options: SimilarityOptions = {}): Promise<Similarity> {
    const { device, threads, blockBytes = BLOCK_BYTES } = options
    const graph = new Graph()
    const queries = graph.input('queries', 'f32', ['queries', dim])
    const all = gemm(queries, graph.input('pool', 'f32', ['pool', dim]), { transposeB: true })
    graph.output(POOL, all)
    const places = cast(graph.input('places', 'i32', ['queries', 'length']), 'i64')
    graph.output(LISTED, gatherElements(all, places, 1))
    const lists = graph.input('lists', 'f32', ['queries', 'length', dim])
    const columns = reshape(queries, ['queries', dim, 1])
    graph.output(OWN, reshape(matMul(lists, columns), ['queries', 'length']))
    const session = async (output: string) => {
      const compiled = compile(graph, { outputs: [output] })
      return await openSession(compiled, { weights: memoryWeights({}), device, threads, name: 'similarity' })
    }
    const similarity = new Similarity(dim, session, blockBytes)
    await similarity.#session(POOL)
    return similarity
  }

  /**
   * The exact k nearest candidates of each query by inner product: cosine, where vectors have unit
   * length. Of equally near ones those that come first in the list.
   * @throws EmbedderError `embedder/dims` for vectors of another width; InterruptedError; what
   *   `read` of a list throws
   * @example
   * await using similarity = await Similarity.open(512)
   * const { columns } = await similarity.nearest(vectorList(queries), vectorList(pool), { k: 10 })
   */
  async nearest(queries: VectorList, pool: VectorList, options: NearestOptions): Promise<Best> {
    const { k, excluded, signal, onProgress } = options
    const best = new TopK(queries.rows, Math.min(k, pool.rows))
    for await (const block of this.#blocks(queries, pool, signal)) {
      const { query, candidate, scores } = block
      const [rows, width] = [scores.dims[0]!, scores.dims[1]!]
      for (let row = 0; row < rows; row++) {
        const start = row * width
        for (const place of excluded?.(query + row) ?? [])
          if (place >= candidate && place < candidate + width)
            scores.data[start + place - candidate] = Number.NEGATIVE_INFINITY
        best.offer(query + row, scores.data, start, width, candidate)
      }
      onProgress?.((candidate * queries.rows + (query + rows) * width) / (queries.rows * pool.rows))
    }
    return best.finish()
  }

  /**
   * Scores of candidates that each query has for itself, in the order of its list. Where lists
   * share most of their candidates, all of them are multiplied at once; else those of each list.
   * The last bits of a score depend on the vectors beside it: see `scoreBound` of own-lists.
   * @param queries `[queries, dim]`
   * @param pool    `[candidates, dim]` all that occur in a list
   * @param lists   for each query the places of its candidates in the pool
   * @throws as `nearest`
   */
  async own(
    queries: Tensor<'f32'>,
    pool: Tensor<'f32'>,
    lists: readonly ArrayLike<number>[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Float32Array[]> {
    const wanted = lists.reduce((sum, { length }) => sum + length, 0)
    const all = lists.length * pool.dims[0]!
    return await (all <= DENSE * wanted
      ? this.listed(vectorList(queries), vectorList(pool), lists, { signal })
      : this.#ownGathered(queries, pool, lists, signal))
  }

  /**
   * As `own`, of lists that share candidates, which need not be in memory: multiplies all with all,
   * block by block, and lets the engine pick the scores of each list.
   */
  async listed(
    queries: VectorList,
    pool: VectorList,
    lists: readonly ArrayLike<number>[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Float32Array[]> {
    this.#check(queries.dim, pool.dim)
    const { tall, wide } = this.#blockSizes(queries.rows, pool.rows)
    const made: Float32Array[] = []
    for (let candidate = 0; candidate < pool.rows; candidate += wide) {
      const part = await pool.read(candidate, Math.min(wide, pool.rows - candidate))
      for (let query = 0; query < queries.rows; query += tall) {
        const rows = Math.min(tall, queries.rows - query)
        const within = lists.slice(query, query + rows).map((list) => entriesWithin(list, candidate, wide))
        const length = within.reduce((most, { places }) => Math.max(most, places.length), 0)
        if (length === 0) continue
        // A place of 0 fills lists that are shorter than the longest one: its score is not used.
        const places = tensor('i32', [rows, length], new Int32Array(rows * length))
        for (const [row, entries] of within.entries()) places.data.set(entries.places, row * length)
        const feeds = { queries: await queries.read(query, rows), pool: part, places }
        const { data } = f32Of(await (await this.#session(LISTED)).run(feeds, { signal }), LISTED)
        for (const [row, { at, places: own }] of within.entries()) {
          const scores = data.subarray(row * length, row * length + own.length)
          // A list that lies in this block is a view of its scores: nothing is copied.
          if (at === undefined) made[query + row] = scores
          else {
            made[query + row] ??= new Float32Array(lists[query + row]!.length)
            for (const [i, place] of at.entries()) made[query + row]![place] = scores[i]!
          }
        }
      }
    }
    return lists.map((_, row) => made[row] ?? new Float32Array(0))
  }

  async #ownGathered(
    queries: Tensor<'f32'>,
    pool: Tensor<'f32'>,
    lists: readonly ArrayLike<number>[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array[]> {
    this.#check(shapeOf(queries).dim, shapeOf(pool).dim)
    const made: Float32Array[] = []
    const dim = this.#dim
    const longest = lists.reduce((most, { length }) => Math.max(most, length), 1)
    const step = Math.max(1, Math.floor(this.#blockBytes / 4 / (4 * dim * longest)))
    const room = new Float32Array(step * longest * dim)
    for (let first = 0; first < lists.length; first += step) {
      const part = lists.slice(first, first + step)
      const length = part.reduce((most, list) => Math.max(most, list.length), 1)
      for (const [row, list] of part.entries())
        for (let i = 0; i < list.length; i++)
          room.set(pool.data.subarray(list[i]! * dim, (list[i]! + 1) * dim), (row * length + i) * dim)
      const gathered = f32([part.length, length, dim], room.subarray(0, part.length * length * dim))
      const feeds = { queries: rangeOf(queries, first, part.length), lists: gathered }
      const scores = f32Of(await (await this.#session(OWN)).run(feeds, { signal }), OWN)
      for (const [row, list] of part.entries())
        made.push(scores.data.slice(row * length, row * length + list.length))
    }
    return made
  }

  /**
   * All blocks: for each block of candidates all queries. The engine computes one while the caller
   * looks at the one before.
   */
  async *#blocks(
    queries: VectorList,
    pool: VectorList,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ScoreBlock> {
    this.#check(queries.dim, pool.dim)
    const { tall, wide } = this.#blockSizes(queries.rows, pool.rows)
    let next: Promise<ScoreBlock> | undefined
    for (let candidate = 0; candidate < pool.rows; candidate += wide) {
      const part = await pool.read(candidate, Math.min(wide, pool.rows - candidate))
      for (let query = 0; query < queries.rows; query += tall) {
        const rows = await queries.read(query, Math.min(tall, queries.rows - query))
        const made = next
        next = this.#block({ query, candidate }, rows, part, signal)
        // The loop awaits it later: until then Node must not take a failure for unhandled.
        next.catch(() => {})
        if (made !== undefined) yield await made
      }
    }
    if (next !== undefined) yield await next
  }

  #session(output: string): Promise<Session> {
    const found = this.#sessions.get(output) ?? this.#open(output)
    this.#sessions.set(output, found)
    return found
  }

  /** Queries and candidates of a block. */
  #blockSizes(queries: number, pool: number): { tall: number; wide: number } {
    const floats = this.#blockBytes / 16
    const most = Math.floor(floats / this.#dim)
    const tall = Math.max(1, Math.min(QUERIES, queries, most))
    return { tall, wide: Math.max(1, Math.min(pool, Math.floor(floats / tall), most)) }
  }

  async #block(
    at: Pick<ScoreBlock, 'query' | 'candidate'>,
    queries: Tensor<'f32'>,
    pool: Tensor<'f32'>,
    signal: AbortSignal | undefined,
  ): Promise<ScoreBlock> {
    const session = await this.#session(POOL)
    return { ...at, scores: f32Of(await session.run({ queries, pool }, { signal }), POOL) }
  }

  /** @throws EmbedderError `embedder/dims` */
  #check(queries: number, pool: number): void {
    if (queries === this.#dim && pool === this.#dim) return
    throw new EmbedderError('dims', {
      message: `queries of ${queries} and candidates of ${pool} elements, expected ${this.#dim} in both`,
      hint: 'Both sets of vectors must come from the same model, cut to the same number of dimensions.',
    })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(async (session) => await (await session).close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
