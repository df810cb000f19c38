/** @file Embeds a source of items into a file of vectors. Resumes; lists bad items beside it. */

import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeFileAtomic } from '../../foundation/files/file.ts'
import { checkOptions } from '../../foundation/files/options.ts'
import { removeAbandoned } from '../../foundation/files/temporary.ts'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { contentOf, type Item } from '../../inputs/data/item.ts'
import type { ItemSource } from '../../inputs/data/source.ts'
import type { Embedder } from './embedder.ts'
import type { Embeddings, EmbedOptions, SkippedItem } from './embedding.ts'
import { embedFileOptionSchemas } from './options.ts'
import { checkVectorPath, type VectorRows, writeVectors } from './vectors/file.ts'
import { VectorJournal } from './vectors/journal.ts'
import { checkVectorPlace, JOURNAL, SKIPPED } from './vectors/place.ts'
import { type Quantization, quantize } from './vectors/quantize.ts'

export interface EmbedSourceOptions extends Omit<EmbedOptions, 'total' | 'placeOf'> {
  /** Fewer bits an element, see `quantize`. */
  quantize?: Quantization
}

/** An item that was skipped, and why. */
export interface SkippedLine extends Omit<SkippedItem, 'index'> {
  /** Counted from 1, as the source counts. */
  line: number
  id?: string
}

export interface EmbeddedSource {
  /** Items by what was embedded of them: `{ 'text + picture': 4 }`. */
  content: Record<string, number>
  rows: VectorRows
  skipped: SkippedLine[]
  usage: Embeddings['usage']
}

export interface EmbedFileOptions extends Omit<EmbedSourceOptions, 'store'> {
  /** Ends with .safetensors, .npy, .parquet or .jsonl. */
  out: string
  /** Told how many vectors an interrupted run left. */
  onResume?: (vectors: number) => void
}

export interface EmbeddedFile extends EmbeddedSource {
  /** Path of the list of skipped items, a JSON object a line; undefined where there are none. */
  skippedFile?: string
}

interface Place {
  line: number
  id?: string
}

/**
 * Vectors of all items of a source, in its order.
 * @throws as `Embedder.embed`, and the error of a bad line unless bad items are skipped
 */
export async function embedSource(
  embedder: Embedder,
  source: ItemSource,
  options: EmbedSourceOptions = {},
): Promise<EmbeddedSource> {
  const { quantize: kind, badItems = 'throw', ...embedOptions } = options
  const places: Place[] = []
  /** For each item given to the embedder, its place. */
  const given: number[] = []
  const contents: string[] = []
  const broken: SkippedLine[] = []
  const items = async function* (): AsyncGenerator<Item> {
    for await (const at of source.lines()) {
      const place = { line: at.line, ...(at.id === undefined ? {} : { id: at.id }) }
      places.push(place)
      if ('item' in at) {
        given.push(places.length - 1)
        contents.push(contentOf(at.item, embedOptions.blank))
        yield at.item
      } else if (badItems === 'throw') throw at.error
      else broken.push({ ...place, code: at.error.code, message: at.error.message, hint: at.error.hint })
    }
  }
  // A lone item needs no line number.
  const placeOf = (index: number) =>
    source.total !== 1 ? `${source.name}, line ${places[given[index]!]!.line}` : undefined
  const made = await embedder.embed(items(), { ...embedOptions, badItems, placeOf, total: source.total })
  const kept = made.kept.map((index) => given[index]!)
  const skipped = made.skipped.map(({ index, ...why }) => ({ ...places[given[index]!]!, ...why }))
  const named = places.some(({ id }) => id !== undefined)
  const ids = named ? kept.map((index) => places[index]!.id ?? '') : undefined
  return {
    rows: { ...quantize(made.vectors, kind), kept, ids, items: places.length },
    skipped: [...broken, ...skipped].sort((a, b) => a.line - b.line),
    usage: made.usage,
    content: counted(made.kept.map((index) => contents[index]!)),
  }
}

/** @throws UsageError `usage/option` */
export function checkSource(call: string, source: unknown): void {
  if (typeof source === 'object' && source !== null && 'lines' in source && !Array.isArray(source)) return
  throw new UsageError('option', {
    message: `${call}: expected a source of items, got ${Array.isArray(source) ? 'an array' : String(source)}`,
    hint: 'Open a file or folder with openItems, or call embed for a list of items.',
  })
}

/** How often each name comes. */
export function counted(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Object.fromEntries(counts)
}

/**
 * Writes the vectors of a source. While it runs, finished vectors are kept in `OUT.journal`: the
 * same call goes on where a killed one stopped, also when items were added. At the end the file is
 * written whole, skipped items are listed in `OUT.skipped.jsonl`, and the journal is removed.
 * @throws as `embedSource`; EmbedderError `embedder/vector-format`, `embedder/output`,
 *   `embedder/other-run`; UsageError `usage/option`; FileError `file/in-use`, `file/disk-full`,
 *   `file/write`
 * @example
 * const source = await openItems('items.jsonl')
 * const options = { out: 'vectors.safetensors', badItems: 'skip' } as const
 * const { rows, skipped } = await embedFile(embedder, source, options)
 */
export async function embedFile(
  embedder: Embedder,
  source: ItemSource,
  options: EmbedFileOptions,
): Promise<EmbeddedFile> {
  checkOptions('embedFile', embedFileOptionSchemas, options, ['out'])
  checkSource('embedFile', source)
  const { out, onResume, ...rest } = options
  checkVectorPath(out)
  await checkVectorPlace(out, { input: source.path, folders: embedder.folders })
  await removeAbandoned(dirname(out))
  const journal = await VectorJournal.open(out + JOURNAL, {
    fingerprint: await embedder.fingerprint(),
    readouts: embedder.readouts,
  })
  try {
    if (journal.size > 0) onResume?.(journal.size)
    const made = await embedSource(embedder, source, { ...rest, store: journal })
    const metadata = {
      contract: JSON.stringify(embedder.contract),
      ...(rest.quantize && { quantize: rest.quantize }),
    }
    await writeVectors(out, made.rows, metadata)
    const skippedFile = await listSkipped(out + SKIPPED, made.skipped)
    await journal.remove()
    return { ...made, skippedFile }
  } catch (error) {
    await journal.close()
    throw error
  }
}

/**
 * Writes the list of skipped items; removes that of an earlier run.
 * @returns its path; undefined where there are none
 * @throws FileError `file/write`
 */
export async function listSkipped(
  path: string,
  skipped: readonly SkippedLine[],
): Promise<string | undefined> {
  // The list of an earlier run does not hold for this one.
  if (skipped.length === 0) await rm(path, { force: true })
  else await writeFileAtomic(path, skipped.map((item) => `${JSON.stringify(item)}\n`).join(''))
  return skipped.length === 0 ? undefined : path
}
