/**
 * @file Hard negatives for a file of pairs: embeds every query and target once, finds for each
 * query the nearest targets that are not its own, and writes the pairs with those as negatives. In
 * memory are keys and numbers of the rows, and blocks of vectors; the vectors lie on disk.
 */

import { realpath, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { writeFileAtomic } from '../../foundation/files/file.ts'
import { lockAlone } from '../../foundation/files/lock.ts'
import { checkOptions } from '../../foundation/files/options.ts'
import { BifocalError, InterruptedError } from '../../foundation/numeric/errors.ts'
import { dot } from '../../foundation/numeric/linear.ts'
import { stream } from '../../foundation/numeric/random.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { DraftItem, DraftPair } from '../../inputs/data/pairs/draft.ts'
import { openPairs } from '../../inputs/data/pairs/open.ts'
import type { GivenPairs } from '../../inputs/data/pairs/settings.ts'
import type { PairSource } from '../../inputs/data/pairs/source.ts'
import type { Embedder } from '../../models/embedder/embedder.ts'
import { embedAll, vectorFolder } from '../../models/embedder/vectors/all.ts'
import type { VectorFolder } from '../../models/embedder/vectors/folder.ts'
import { makerOf, type VectorMaker } from '../../models/embedder/vectors/maker.ts'
import { checkVectorPlace } from '../../models/embedder/vectors/place.ts'
import { type Candidate, chosenNegatives } from './choose.ts'
import { MiningError } from './errors.ts'
import { type FilledRules, filledRules, type MineOptions, mineOptionSchemas } from './options.ts'
import { PairTable, type TableRow } from './pair-table.ts'
import { type Nearest, searched } from './search.ts'
import { type StoredVectors, storedVectors } from './stored-vectors.ts'
import { type MinedPair, WrittenRows } from './written-rows.ts'

/** A pair that was left out. */
export interface LeftPair {
  /** Of the source, counted from 0 among the rows that are pairs. */
  readonly row: number
  readonly code: string
  readonly message: string
}

/** The written file in figures. */
export interface MinedFile {
  readonly out: string
  /** Pairs that were written. */
  readonly pairs: number
  /** Different queries, and different targets. */
  readonly queries: number
  readonly targets: number
  /** Negatives that were found. */
  readonly negatives: number
  /** Pairs with fewer new negatives than wanted, and pairs with none. */
  readonly short: number
  readonly without: number
  /** Mean cosine of queries with their own targets, and with the negatives; null for none. */
  readonly similarity: { readonly target: number; readonly negatives: number | null }
  /** The first of the pairs that were left out, and how many there are. */
  readonly left: { readonly pairs: number; readonly first: readonly LeftPair[] }
  /** Vectors that an earlier run had left. */
  readonly resumed: number
}

/** Items that are embedded at a time: a whole number of chunks of the store. */
const SLICE = 4096
/** Rows whose vectors are looked up, and lines written, at a time. */
const BLOCK = 1024
const MOST_LEFT = 20

/**
 * Finds hard negatives and writes the pairs with them. A run that stopped goes on with the vectors
 * that it left.
 * @param data the source of pairs: `{ path }` and the other settings of a tuning's `data`
 * @throws UsageError `usage/option`; MiningError `mining/no-pairs`, `mining/window`,
 *   `mining/output`;
 *   EmbedderError `embedder/output`; FileError `file/in-use` and others; what
 *   `openPairs` and `Embedder.embed` throw; InterruptedError
 * @example
 * await using embedder = await Embedder.load('bifocal:twin-ar')
 * await mineFile(embedder, { path: 'pairs.jsonl' }, { out: 'mined.jsonl', from: 11, to: 50 })
 */
export async function mineFile(
  embedder: Embedder,
  data: GivenPairs,
  options: MineOptions,
): Promise<MinedFile> {
  checkOptions('mineFile', mineOptionSchemas, options, ['out'])
  const { out, strict, warn, signal, vectors = `${out}.vectors` } = options
  const rules = filledRules(options)
  const placeOf = async (path: string) => await realpath(path).catch(() => resolve(path))
  if ((await placeOf(out)) === (await placeOf(data.path))) {
    throw new MiningError('output', {
      message: `${out} is the file of the pairs: mining would overwrite what it reads`,
      hint: 'Name another file with --out; tune reads that one.',
    })
  }
  await checkVectorPlace(out, { input: data.path, folders: embedder.folders })
  const lock = await lockAlone(out)
  try {
    const source = await openPairs(data, { strict, warn, signal })
    try {
      const made = await new Mining(embedder, source, options, rules).run(vectors)
      if (options.vectors === undefined) await rm(vectors, { recursive: true, force: true })
      return made
    } finally {
      await source.close()
    }
  } finally {
    await lock.release()
  }
}

class Mining {
  readonly #embedder: Embedder
  readonly #source: PairSource
  readonly #options: MineOptions
  readonly #rules: FilledRules
  readonly #table = new PairTable()
  /** Keys of items that could not be embedded, and why. */
  readonly #bad = new Map<string, { code: string; message: string }>()
  readonly #left: LeftPair[] = []
  #leftPairs = 0
  #resumed = 0

  constructor(embedder: Embedder, source: PairSource, options: MineOptions, rules: FilledRules) {
    this.#embedder = embedder
    this.#source = source
    this.#options = options
    this.#rules = rules
  }

  async run(vectors: string): Promise<MinedFile> {
    const maker = await makerOf(this.#embedder, { id: 'the model', readouts: [] })
    const folder = await vectorFolder(vectors, maker, this.#options.warn)
    await this.#embed(folder, maker)
    const rows = this.#usable()
    const [first] = rows
    if (first === undefined) throw this.#noPairs()
    const queries = await storedVectors(folder, this.#table.queries.keys, this.#bad)
    const targets = await storedVectors(folder, this.#table.targets.keys, this.#bad)
    if (targets.rows < 2) {
      throw new MiningError('no-pairs', {
        message: `all ${rows.length} pairs of ${this.#source.name} have the same target: no other one can be wrong`,
        hint: 'Is the right column named as the target?',
      })
    }
    const { threads, signal, onProgress } = this.#options
    const nearest = await searched(queries, targets, {
      k: this.#rules.to,
      right: (query) => this.#table.right(query),
      threads,
      signal,
      onProgress: (done) => onProgress?.({ label: 'search', done, total: queries.rows }),
    })
    return await this.#write(rows, { folder, queries, targets, nearest })
  }

  async #write(rows: readonly TableRow[], { folder, queries, targets, nearest }: Found): Promise<MinedFile> {
    const { out, signal } = this.#options
    const { negatives: wanted } = this.#rules
    const sums = { own: 0, found: 0, count: 0, short: 0, without: 0, written: 0 }
    const written = new WrittenRows(out)
    const encoder = new TextEncoder()
    const lines = async function* (this: Mining): AsyncGenerator<Uint8Array> {
      for (let start = 0; start < rows.length; start += BLOCK) {
        if (signal?.aborted) throw new InterruptedError('mining', signal)
        const block = rows.slice(start, start + BLOCK)
        const own = await this.#ownScores(block, folder)
        for (const [i, row] of block.entries()) {
          const mined = await this.#mined(row, own[i]!, nearest(row.query))
          const { scores } = mined
          sums.written += 1
          sums.own += scores.target
          sums.count += scores.negatives.length
          sums.found += scores.negatives.reduce((sum, score) => sum + score, 0)
          if (scores.negatives.length < wanted) sums.short += 1
          if (scores.negatives.length === 0) sums.without += 1
          yield encoder.encode(await written.line(mined))
        }
        this.#options.onProgress?.({ label: 'write', done: start + block.length, total: rows.length })
      }
      // Thrown before the file gets its name: pairs without negatives are those that were given.
      if (sums.count === 0) throw noNegatives(this.#rules, targets.rows)
    }
    await writeFileAtomic(out, lines.call(this))
    return {
      out,
      pairs: sums.written,
      queries: queries.rows,
      targets: targets.rows,
      negatives: sums.count,
      short: sums.short,
      without: sums.without,
      similarity: {
        target: sums.own / sums.written,
        negatives: sums.count === 0 ? null : sums.found / sums.count,
      },
      left: { pairs: this.#leftPairs, first: this.#left },
      resumed: this.#resumed,
    }
  }

  /** Cosines of queries with their own targets. */
  async #ownScores(rows: readonly TableRow[], folder: VectorFolder): Promise<number[]> {
    const keys = rows.map(({ query, target }) => [
      this.#table.queries.keys[query]!,
      this.#table.targets.keys[target]!,
    ])
    const vectors = await folder.all(keys.flat())
    return keys.map(([query, target]) => dot(vectors.get(query!)![0]!, vectors.get(target!)![0]!))
  }

  /** The row with its negatives. */
  async #mined({ row, query }: TableRow, own: number, nearest: readonly Candidate[]): Promise<MinedPair> {
    const pair = await this.#draft(row)
    const had = pair.negatives.length === 0 ? [] : (await this.#source.read(row)).negatives
    const keys = new Set(had.map(({ key }) => key))
    const left = new Set(
      nearest.flatMap(({ target }) => (keys.has(this.#table.targets.keys[target]!) ? [target] : [])),
    )
    const random = () => stream(this.#rules.seed, 'mine', query, row)
    const chosen = chosenNegatives(nearest, own, this.#rules, { left, random })
    const found: DraftItem[] = []
    for (const { target } of chosen) found.push((await this.#draft(this.#table.targets.rows[target]!)).target)
    return { pair, found, scores: { target: own, negatives: chosen.map(({ score }) => score) } }
  }

  async #draft(row: number): Promise<DraftPair> {
    const draft = await this.#source.draft?.(row)
    if (draft !== undefined) return draft
    throw new MiningError('unwritten', {
      message: `${this.#source.name} has no rows that could be written`,
      hint: 'Write its pairs as JSON lines first.',
    })
  }

  /** Reads all rows, and embeds the items that were not seen before. */
  async #embed(folder: VectorFolder, maker: VectorMaker): Promise<void> {
    const { strict, signal, warn, onProgress } = this.#options
    let waiting: KeyedItem[] = []
    const flush = async () => {
      const badItems = strict ? 'throw' : 'skip'
      const made = await embedAll(folder, maker, waiting.splice(0, SLICE), { signal, warn, badItems })
      this.#resumed += made.resumed
      for (const { key, code, message } of made.skipped) this.#bad.set(key, { code, message })
    }
    const total = this.#source.rows
    for (let row = 0; row < total; row++) {
      try {
        const { query, target } = await this.#source.read(row, signal)
        waiting = [...waiting, ...this.#table.add(row, query, target)]
      } catch (error) {
        if (strict || !(error instanceof BifocalError) || error instanceof InterruptedError) throw error
        this.#leave(row, error)
      }
      if (waiting.length >= SLICE) await flush()
      onProgress?.({ label: 'embed', done: row + 1, total })
    }
    while (waiting.length > 0) await flush()
  }

  #leave(row: number, { code, message }: { code: string; message: string }): void {
    this.#leftPairs += 1
    if (this.#left.length < MOST_LEFT) this.#left.push({ row, code, message })
  }

  /** Rows whose query and target have vectors. */
  #usable(): TableRow[] {
    return this.#table.rows.filter(({ row, query, target }) => {
      const bad =
        this.#bad.get(this.#table.queries.keys[query]!) ?? this.#bad.get(this.#table.targets.keys[target]!)
      if (bad !== undefined) this.#leave(row, bad)
      return bad === undefined
    })
  }

  #noPairs(): MiningError {
    const [first] = this.#left
    return new MiningError('no-pairs', {
      message: `none of ${this.#source.rows} pairs of ${this.#source.name} can be embedded: ${first?.message}`,
      hint: 'Mend the first of them; --strict stops there and says more.',
    })
  }
}

interface Found {
  readonly folder: VectorFolder
  readonly queries: StoredVectors
  readonly targets: StoredVectors
  readonly nearest: Nearest
}

/** Window and limits leave no negative to any pair. */
function noNegatives({ from, to }: FilledRules, targets: number): MiningError {
  const few = from > targets - 1
  return new MiningError('window', {
    message: few
      ? `no pair has a negative: the window begins at rank ${from}, and a query has at most ${targets - 1} wrong targets`
      : `no pair has a negative: ranks ${from} to ${to} hold no target that the limits allow`,
    hint: few
      ? 'Begin the window earlier (--from), or give more pairs.'
      : 'Lower the margin (--margin, --relative-margin none), widen the window (--to), or move --min-score and --max-score.',
  })
}
