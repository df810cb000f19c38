/**
 * @file A table of rows as pairs. All rows are checked once, in order; after that, only places and
 * facts are in memory, and each row is read when it is asked for.
 */

import { createHash } from 'node:crypto'
import { BifocalError, firstOf, InterruptedError, located } from '../../../foundation/numeric/errors.ts'
import { pick, stream } from '../../../foundation/numeric/random.ts'
import { ItemError } from '../errors.ts'
import { type KeyedItem, keyItem, type Picture } from '../item.ts'
import { storedPicture } from '../picture.ts'
import type { PictureFiles } from '../picture-files.ts'
import type { Pair } from '../task.ts'
import { Unusable } from '../value.ts'
import { type CheckedPair, checkedPair, type DraftItem, type DraftPair } from './draft.ts'
import type { PairFacts } from './facts.ts'
import { pairProblem } from './problem.ts'
import type { RowReader } from './reader.ts'
import type { LeftOut, PairSource } from './source.ts'
import type { RowTable } from './table.ts'

/** Instructions for items that bring none; of several, one is drawn for each row. */
interface Instructions {
  readonly query: readonly string[]
  readonly target: readonly string[]
}

export interface RowsOptions {
  /** Of the source. */
  readonly name: string
  readonly instructions: Instructions
  readonly seed: number
  /** Pairs at most: the first ones of the file. */
  readonly limit?: number
  /** Whether the first row that is no pair ends the call. */
  readonly strict?: boolean
  readonly warn?: (message: string) => void
  readonly signal?: AbortSignal
}

/** Reasons that are kept for a report. */
const MOST_REASONS = 100

/**
 * Checks all rows, and gives those that are pairs. Closes the table where it fails.
 * @throws ItemError `data/no-pairs` for a table without a pair; with `strict`, what is wrong with
 *   the first row that is none; what `scan` throws
 */
export async function pairRows(
  table: RowTable,
  reader: RowReader,
  pictures: PictureFiles,
  options: RowsOptions,
): Promise<PairSource> {
  try {
    return new TableSource(table, reader, pictures, options, await scanned(table, reader, options))
  } catch (cause) {
    await table.close()
    await pictures.close()
    throw cause
  }
}

/** Places and facts of the rows that are pairs, by their number among these. */
interface Scanned {
  /** Place among the rows of the table. */
  readonly index: number[]
  readonly line: number[]
  /** Where each further file of the table begins, among the rows that were kept. */
  readonly files: { readonly name: string; readonly row: number }[]
  readonly facts: PackedFacts
  readonly fingerprint: string
  readonly left: LeftOut
}

async function scanned(table: RowTable, reader: RowReader, options: RowsOptions): Promise<Scanned> {
  const { instructions, limit = Infinity, strict, warn, signal } = options
  const [index, line, facts]: [number[], number[], PackedFacts] = [[], [], new PackedFacts()]
  const hash = createHash('sha256')
  const reasons: string[] = []
  const files: Scanned['files'] = []
  let [at, dropped] = [0, 0]
  for await (const row of table.scan()) {
    if (signal?.aborted) throw new InterruptedError(`reading ${table.name}`, signal)
    if (index.length >= limit) break
    const place = placeOf(row.table ?? table.name, table.noun, row.line)
    const checked = 'error' in row ? row.error : attempt(reader, row.record, place)
    if (checked instanceof ItemError) {
      if (strict) throw checked
      reasons.push(checked.message)
    } else {
      const file = row.table ?? table.name
      if (files.at(-1)?.name !== file) files.push({ name: file, row: index.length })
      index.push(at)
      line.push(row.line)
      facts.push(checked.facts)
      dropped += checked.dropped
      const said = [drawn(instructions.query, 'query', row.line, options.seed)]
      said.push(drawn(instructions.target, 'target', row.line, options.seed))
      hash.update(JSON.stringify([checked.content, said]))
    }
    at += 1
  }
  reader.finish?.()
  if (index.length === 0) throw noPairs(table, reasons)
  if (reasons.length > 0)
    warn?.(`${table.name}: ${reasons.length} of ${at} rows are left out: ${firstOf(reasons, 3)}`)
  if (dropped > 0)
    warn?.(
      `${table.name}: ${dropped} negative${dropped > 1 ? 's are' : ' is'} equal to the target and left out`,
    )
  const left = { rows: reasons.length, reasons: reasons.slice(0, MOST_REASONS), negatives: dropped }
  return { index, line, files, facts, fingerprint: hash.digest('hex'), left }
}

function attempt(reader: RowReader, record: Parameters<RowReader['draft']>[0], place: string) {
  try {
    return checkedPair(reader.draft(record))
  } catch (cause) {
    if (cause instanceof Unusable) return pairProblem(place, cause.message, cause)
    throw cause
  }
}

function placeOf(name: string, noun: string, line: number): string {
  return `${name}, ${noun} ${line}`
}

/** Undefined where there is none to draw from. */
function drawn(from: readonly string[], side: string, line: number, seed: number): string | undefined {
  return from.length <= 1 ? from[0] : pick(from, stream(seed, 'instruction', side, line))
}

function noPairs({ name }: RowTable, reasons: readonly string[]): ItemError {
  return new ItemError('no-pairs', {
    message:
      reasons.length === 0
        ? `${name} has no rows`
        : `none of the ${reasons.length} rows of ${name} is a pair: ${firstOf(reasons, 3)}`,
    hint: 'A pair has a query and a target; docs/data.md shows every form that is read.',
  })
}

class TableSource implements PairSource {
  readonly name: string
  readonly rows: number
  readonly fingerprint: string
  readonly left: LeftOut
  readonly #table: RowTable
  readonly #reader: RowReader
  readonly #pictures: PictureFiles
  readonly #options: RowsOptions
  readonly #kept: Scanned
  /** Rows whose negatives turned out equal to the target when their pictures were read. */
  readonly #told = new Set<number>()

  constructor(
    table: RowTable,
    reader: RowReader,
    pictures: PictureFiles,
    options: RowsOptions,
    kept: Scanned,
  ) {
    this.name = options.name
    this.rows = kept.index.length
    this.fingerprint = kept.fingerprint
    this.left = kept.left
    this.#table = table
    this.#reader = reader
    this.#pictures = pictures
    this.#options = options
    this.#kept = kept
  }

  facts(row: number): PairFacts {
    return this.#kept.facts.at(row)
  }

  async read(row: number, signal?: AbortSignal): Promise<Pair> {
    if (signal?.aborted) throw new InterruptedError(`reading ${this.name}`, signal)
    const file = this.#kept.files.findLast((one) => one.row <= row)?.name ?? this.#table.name
    const place = placeOf(file, this.#table.noun, this.#kept.line[row]!)
    const { pair } = await this.#draft(row)
    const { query: querySaid, target: targetSaid } = this.#options.instructions
    const said = (from: readonly string[], side: string) =>
      drawn(from, side, this.#kept.line[row]!, this.#options.seed)
    const item = async (draft: DraftItem, side: string, instruction: string | undefined, first: number) => {
      try {
        const image = await this.#picturesOf(draft, row, first, `${place}, ${side}`)
        return await keyItem({ ...draft, image }, instruction)
      } catch (cause) {
        throw cause instanceof BifocalError ? located(cause, `${place}, ${side}`) : cause
      }
    }
    const ofTarget = said(targetSaid, 'target')
    let first = 0
    const query = await item(pair.query, 'query', said(querySaid, 'query'), first)
    first += pair.query.pictures.length
    const target = await item(pair.target, 'target', ofTarget, first)
    first += pair.target.pictures.length
    if (contentOf(query) === contentOf(target))
      throw pairProblem(place, 'its target is equal to its query: their pictures are the same')
    const negatives: KeyedItem[] = []
    for (const [i, negative] of pair.negatives.entries()) {
      negatives.push(await item(negative, `negative ${i + 1}`, ofTarget, first))
      first += negative.pictures.length
    }
    const kept = negatives.flatMap((negative, i) => (contentOf(negative) === contentOf(target) ? [] : [i]))
    if (kept.length < negatives.length) this.#tellDropped(row, place)
    const { teacher } = pair
    return {
      query,
      target,
      negatives: kept.map((i) => negatives[i]!),
      ...(teacher && { teacher: { ...teacher, negatives: kept.map((i) => teacher.negatives[i]!) } }),
    }
  }

  #tellDropped(row: number, place: string): void {
    if (this.#told.has(row)) return
    this.#told.add(row)
    this.#options.warn?.(`${place}: a negative shows the same picture as the target, and is left out`)
  }

  async draft(row: number): Promise<DraftPair> {
    const { pair } = await this.#draft(row)
    const placed = async (item: DraftItem): Promise<DraftItem> => ({
      ...item,
      pictures: await Promise.all(
        item.pictures.map(async (picture) =>
          typeof picture === 'string' ? await this.#pictures.place(picture) : picture,
        ),
      ),
    })
    const [query, target] = [await placed(pair.query), await placed(pair.target)]
    return { ...pair, query, target, negatives: await Promise.all(pair.negatives.map(placed)) }
  }

  async #draft(row: number): Promise<CheckedPair> {
    return checkedPair(this.#reader.draft(await this.#table.read(this.#kept.index[row]!)))
  }

  /** @param first the number of the item's first picture among those of the row */
  async #picturesOf({ pictures }: DraftItem, row: number, first: number, place: string): Promise<Picture[]> {
    return await Promise.all(
      pictures.map((picture, i) =>
        typeof picture === 'string'
          ? this.#pictures.open(picture)
          : storedPicture(`${place}, picture ${i + 1}`, () => this.#bytesOf(row, first + i), picture),
      ),
    )
  }

  /** The bytes of a picture that the row itself holds. */
  async #bytesOf(row: number, number: number): Promise<Uint8Array> {
    const { pair } = await this.#draft(row)
    const picture = [pair.query, pair.target, ...pair.negatives].flatMap(({ pictures }) => pictures)[number]
    return picture instanceof Uint8Array ? picture : new Uint8Array(0)
  }

  async close(): Promise<void> {
    await this.#table.close()
    await this.#pictures.close()
  }
}

/** Without the instruction: two items that differ in it alone show the same thing. */
function contentOf({ text, image }: KeyedItem): string {
  return JSON.stringify([text ?? null, image?.map(({ key }) => key) ?? []])
}

/** Facts of many rows in little memory. */
class PackedFacts {
  readonly #numbers: number[] = []
  readonly #counts: number[] = []

  push({ pictures, negatives, target, share }: PairFacts): void {
    this.#numbers.push(target, share)
    this.#counts.push(pictures.query, pictures.target, negatives)
  }

  at(row: number): PairFacts {
    const [query, target, negatives] = this.#counts.slice(row * 3, row * 3 + 3)
    return {
      pictures: { query: query!, target: target! },
      negatives: negatives!,
      target: this.#numbers[row * 2]!,
      share: this.#numbers[row * 2 + 1]!,
    }
  }
}
