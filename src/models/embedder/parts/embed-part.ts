/**
 * @file One machine's part of the vectors of a source. Machines share the chunks of the list, and a
 * chunk's vectors are the same on each of them: merged parts have the bytes of a single machine.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { lockAlone } from '../../../foundation/files/lock.ts'
import { checkOptions } from '../../../foundation/files/options.ts'
import { removeAbandoned } from '../../../foundation/files/temporary.ts'
import { BifocalError, UsageError } from '../../../foundation/numeric/errors.ts'
import type { ItemSource } from '../../../inputs/data/source.ts'
import { checkSource, type SkippedLine } from '../embed-file.ts'
import type { Embedder } from '../embedder.ts'
import type { EmbedOptions } from '../embedding.ts'
import { EmbedderError } from '../errors.ts'
import { embedPartOptionSchemas } from '../options.ts'
import { vectorFolder } from '../vectors/all.ts'
import { isVectorPath } from '../vectors/file.ts'
import { checkDims } from '../vectors/leading.ts'
import { makerOf } from '../vectors/maker.ts'
import { checkVectorPlace } from '../vectors/place.ts'
import type { Quantization } from '../vectors/quantize.ts'
import { type Shard, type StoredAll, storeChunks } from '../vectors/storing.ts'
import { type Part, type PartRow, partFiles, readPart, rowsHash, writePart, writeRows } from './files.ts'
import { listedItems, listRows } from './listing.ts'
import { skippedLines } from './skipped.ts'

type Shared = Pick<EmbedOptions, 'signal' | 'onProgress' | 'instruction' | 'blank' | 'dims' | 'badItems'>

export interface EmbedPartOptions extends Shared {
  /** Folder of the part. A stopped run of the same folder goes on. */
  out: string
  /** Which machine this is, of how many. */
  shard: Shard
  /** Fewer bits an element, once the parts are merged: see `quantize`. */
  quantize?: Quantization
  /** Told of files that are damaged: their items are computed again. */
  warn?: (message: string) => void
}

export interface EmbeddedPart {
  readonly shard: Shard
  /** Lines of the whole source. */
  readonly items: number
  /** Of this part: different items, how many an earlier run left, and how many were computed. */
  readonly own: Pick<StoredAll, 'items' | 'resumed' | 'computed'>
  /** Lines that are bad for all parts, and items that are bad among those of this one. */
  readonly skipped: SkippedLine[]
}

/**
 * Stores this machine's part of the vectors. All machines read the whole source, and each embeds
 * its share of it.
 * @param source must be readable twice: no pipe
 * @throws UsageError `usage/option`, `usage/arguments`; EmbedderError `embedder/output`,
 *   `embedder/other-run`, `embedder/dims`, `embedder/store`; FileError `file/in-use`,
 *   `file/changed`; as `Embedder.embed`
 * @example
 * const source = await openItems('items.jsonl')
 * await embedPart(embedder, source, { shard: { index: 1, of: 2 }, out: 'part-1' })
 */
export async function embedPart(
  embedder: Embedder,
  source: ItemSource,
  options: EmbedPartOptions,
): Promise<EmbeddedPart> {
  checkOptions('embedPart', embedPartOptionSchemas, options, ['out', 'shard'])
  checkSource('embedPart', source)
  checkReadable(source)
  const { out, shard, instruction = embedder.contract.prompt.instruction, blank } = options
  await checkPlace(out, source, embedder.folders)
  const lock = await lockAlone(join(out, 'part'))
  try {
    await removeAbandoned(out, { recursive: true })
    const { signal, badItems, onProgress, dims, warn } = options
    const rows = await listRows(source, { instruction, blank, signal, badItems })
    const part = await partOf(embedder, { rows, source, options })
    await checkOwn(out, part)
    await writeRows(out, rows)
    const maker = await makerOf(embedder, { id: part.model.folder })
    const listed = listedItems(source, rows, { instruction, blank })
    try {
      const folder = await vectorFolder(join(out, partFiles.vectors), maker, warn)
      const made = await storeChunks(folder, maker, listed.chunks, {
        shard,
        signal,
        badItems,
        onProgress,
        placeOf: (key) => placeOf(source, rows, key),
        onStored: ([first]) => dims !== undefined && checkDims(dims, first?.vectors[0]?.length ?? dims),
      })
      const failures = Object.fromEntries(made.skipped.map(({ key, ...why }) => [key, why]))
      await writePart(out, { ...part, failures })
      const { items, resumed, computed } = made
      return {
        shard,
        items: rows.length,
        own: { items, resumed, computed },
        skipped: skippedLines(rows, new Map(Object.entries(failures))),
      }
    } finally {
      await listed.close()
    }
  } finally {
    await lock.release()
  }
}

/** @throws UsageError `usage/arguments` */
function checkReadable({ name, total }: ItemSource): void {
  if (total !== undefined) return
  throw new UsageError('arguments', {
    message: `a part of ${name}, which can be read only once`,
    hint: 'Write the items to a file that all machines see.',
  })
}

/** @throws EmbedderError `embedder/output` */
async function checkPlace(out: string, { path: input }: ItemSource, folders: readonly string[]) {
  if (isVectorPath(out) && !existsSync(out)) {
    throw new EmbedderError('output', {
      message: `${out} has the name of a file: a part is a folder`,
      hint: 'Name a folder for each part; merge-runs writes the file.',
    })
  }
  for (const name of [partFiles.rows, partFiles.part])
    await checkVectorPlace(join(out, name), { input, folders })
}

async function partOf(
  embedder: Embedder,
  of: { rows: readonly PartRow[]; source: ItemSource; options: EmbedPartOptions },
): Promise<Omit<Part, 'failures'>> {
  const { dims, quantize, shard } = of.options
  return {
    schemaVersion: 1,
    shard: { ...shard },
    model: {
      folder: embedder.folders[0] ?? embedder.family,
      fingerprint: await embedder.fingerprint(),
      contract: JSON.stringify(embedder.contract),
    },
    readouts: [...embedder.readouts],
    input: of.source.name,
    rows: rowsHash(of.rows),
    ...(dims !== undefined && { dims }),
    ...(quantize !== undefined && { quantize }),
  }
}

/**
 * Refuses the folder of another finished part, and one of another version.
 * @throws EmbedderError `embedder/other-run`; FileError
 */
async function checkOwn(out: string, own: Omit<Part, 'failures'>): Promise<void> {
  const found = await readPart(out).catch((error: unknown) => {
    if (error instanceof BifocalError && ['embedder/shard', 'file/schema'].includes(error.code)) return error
    throw error
  })
  const isError = found instanceof BifocalError
  // Not finished, or damaged: vectors are found by their model and item, whatever the list was.
  if (isError && found.code === 'embedder/shard') return
  if (!isError && sameList(found, own) && found.shard.index === own.shard.index) return
  const { shard, input, model } = isError ? {} : found
  throw new EmbedderError('other-run', {
    message: `${out} holds another part${shard === undefined ? '' : `: ${shard.index} of ${shard.of} of ${input}, by ${model?.folder}`}`,
    hint: 'Name another folder, or remove this one.',
  })
}

/** Whether two parts are of one list of vectors. */
export function sameList(a: Omit<Part, 'failures'>, b: Omit<Part, 'failures'>): boolean {
  const listOf = ({ shard: { of }, model, readouts, rows, dims, quantize }: Omit<Part, 'failures'>) =>
    JSON.stringify([of, model.fingerprint, model.contract, readouts, rows, dims ?? null, quantize ?? null])
  return listOf(a) === listOf(b)
}

/** The first line with the item. */
function placeOf({ name, total }: ItemSource, rows: readonly PartRow[], key: string): string | undefined {
  const row = rows.find((one) => 'key' in one && one.key === key)
  return total === 1 || row === undefined ? undefined : `${name}, line ${row.line}`
}
