/** @file The parts of a list of vectors as one file: the bytes of a single machine. */

import { dirname, join } from 'node:path'
import { checkOptions } from '../../../foundation/files/options.ts'
import { removeAbandoned } from '../../../foundation/files/temporary.ts'
import { InterruptedError } from '../../../foundation/numeric/errors.ts'
import { counted, listSkipped, type SkippedLine } from '../embed-file.ts'
import type { SkippedItem } from '../embedding.ts'
import { EmbedderError } from '../errors.ts'
import { mergePartsOptionSchemas } from '../options.ts'
import { checkVectorPath, type VectorRows, writeVectors } from '../vectors/file.ts'
import { VectorFolder } from '../vectors/folder.ts'
import { checkVectorPlace, SKIPPED } from '../vectors/place.ts'
import { quantize } from '../vectors/quantize.ts'
import { storedChunks } from '../vectors/storing.ts'
import { VectorTable } from '../vectors/table.ts'
import { sameList } from './embed-part.ts'
import { identityOf, type Part, type PartRow, partFiles, readPart, readRows } from './files.ts'
import { distinctKeys } from './listing.ts'
import { skippedLines } from './skipped.ts'

export interface MergePartsOptions {
  /** Ends with .safetensors, .npy, .parquet or .jsonl. */
  out: string
  signal?: AbortSignal
  /** Told of files that are damaged. */
  warn?: (message: string) => void
}

export interface MergedParts {
  /** Items by what was embedded of them: `{ 'text + picture': 4 }`. */
  content: Record<string, number>
  rows: VectorRows
  skipped: SkippedLine[]
  /** Path of the list of skipped items; undefined where there are none. */
  skippedFile?: string
}

interface FoundPart extends Part {
  readonly path: string
}

type Failures = ReadonlyMap<string, Omit<SkippedItem, 'index'>>

/**
 * Writes the vectors of all parts of a list, in its order. Nothing is computed, and neither the
 * model nor the items are opened.
 * @param folders of finished parts, in any order
 * @throws UsageError `usage/option`; EmbedderError `embedder/vector-format`, `embedder/output`,
 *   `embedder/shard`, `embedder/foreign-shard`, `embedder/shard-twice`, `embedder/missing-shard`,
 *   `embedder/too-many`, `embedder/long-ids`; FileError
 * @example
 * await mergeParts(['part-1', 'part-2'], { out: 'vectors.safetensors' })
 */
export async function mergeParts(
  folders: readonly string[],
  options: MergePartsOptions,
): Promise<MergedParts> {
  checkOptions('mergeParts', mergePartsOptionSchemas, options, ['out'])
  const { out } = options
  checkVectorPath(out)
  for (const folder of folders)
    for (const name of [partFiles.rows, partFiles.part])
      await checkVectorPlace(out, { input: join(folder, name), folders: [] })
  const parts = await wholeList(folders)
  const [first] = parts
  const rows = await readRows(first!.path, first!.rows)
  const failures = new Map(parts.flatMap((part) => Object.entries(part.failures)))
  const made = await vectorsOf(rows, { parts, failures, options })
  const skipped = skippedLines(rows, failures)
  await removeAbandoned(dirname(out))
  const { contract } = first!.model
  await writeVectors(out, made, { contract, ...(first!.quantize && { quantize: first!.quantize }) })
  const content = counted(made.kept.map((at) => contentAt(rows[at]!)))
  return { rows: made, skipped, content, skippedFile: await listSkipped(out + SKIPPED, skipped) }
}

function contentAt(row: PartRow): string {
  return 'content' in row ? row.content : ''
}

/**
 * The parts in their order: all of one list, each once, none missing.
 * @throws EmbedderError as `mergeParts`; FileError
 */
async function wholeList(folders: readonly string[]): Promise<FoundPart[]> {
  const parts: FoundPart[] = []
  for (const path of folders) parts.push({ path, ...(await readPart(path)) })
  const [first] = parts
  if (first === undefined) {
    throw new EmbedderError('missing-shard', {
      message: 'no parts to merge',
      hint: 'Name the folder of each part: bifocal merge-runs PART… --out FILE',
    })
  }
  const known = new Map<number, FoundPart>()
  for (const part of parts) {
    if (!sameList(first, part)) throw await foreign(first, part)
    const { index, of } = part.shard
    const other = known.get(index)
    if (other !== undefined) {
      throw new EmbedderError('shard-twice', {
        message: `${part.path} and ${other.path} are both part ${index} of ${of}`,
        hint: 'Name each part once.',
      })
    }
    known.set(index, part)
  }
  const all = Array.from({ length: first.shard.of }, (_, i) => i + 1)
  const absent = all.filter((index) => !known.has(index))
  if (absent.length > 0) {
    throw new EmbedderError('missing-shard', {
      message: `of ${first.shard.of} parts, ${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} missing`,
      hint: 'Run these parts to their end, and name their folders too.',
    })
  }
  return all.map((index) => known.get(index)!)
}

/** Names the first thing in which two parts differ. */
async function foreign(first: FoundPart, part: FoundPart): Promise<EmbedderError> {
  return new EmbedderError('foreign-shard', {
    message: `${part.path} does not belong to ${first.path}: ${await difference(first, part)}`,
    hint: 'Make all parts with the same model, items and settings, but for --shard and --out.',
  })
}

async function difference(a: FoundPart, b: FoundPart): Promise<string> {
  if (a.shard.of !== b.shard.of) return `it is one of ${b.shard.of} parts, not of ${a.shard.of}`
  if (a.model.fingerprint !== b.model.fingerprint || a.model.contract !== b.model.contract) {
    return a.model.folder === b.model.folder
      ? `its model ${b.model.folder} has other weights, another contract or other settings`
      : `its vectors are of the model ${b.model.folder}, expected ${a.model.folder}`
  }
  if (a.rows !== b.rows) return await otherRows(a, b)
  const said = ({ dims, quantize: kind }: Part) => `--dims ${dims ?? 'all'}, --quantize ${kind ?? 'none'}`
  return `it has ${said(b)}, expected ${said(a)}`
}

async function otherRows(a: FoundPart, b: FoundPart): Promise<string> {
  const [first, second] = [await readRows(a.path, a.rows), await readRows(b.path, b.rows)]
  const inputs = a.input === b.input ? `${b.input} has` : `its items are of ${b.input}, with`
  if (first.length !== second.length) return `${inputs} ${second.length} lines, expected ${first.length}`
  const at = first.findIndex((row, i) => identityOf(row) !== identityOf(second[i]!))
  const [one, other] = [first[at], second[at]]
  if (one === undefined || other === undefined) return `${inputs} other items`
  const why = 'error' in other ? other.error : 'error' in one ? one.error : undefined
  const words = why === undefined ? '' : ` [${why.code}]: ${why.message}`
  return `${inputs} another item in line ${other.line}${words}`
}

/**
 * @returns the merged vectors in the order of the rows
 * @throws EmbedderError `embedder/missing-shard`, `embedder/too-many`; FileError
 */
async function vectorsOf(
  rows: readonly PartRow[],
  of: { parts: readonly FoundPart[]; failures: Failures; options: MergePartsOptions },
): Promise<VectorRows> {
  const { parts, failures } = of
  const { warn, signal } = of.options
  const folders: VectorFolder[] = []
  for (const { path, model, readouts } of parts) {
    const { fingerprint } = model
    folders.push(await VectorFolder.open(join(path, partFiles.vectors), { fingerprint, readouts, warn }))
  }
  const kept = [...rows.keys()].filter((at) => {
    const row = rows[at]!
    return 'key' in row && !failures.has(row.key)
  })
  const table = new VectorTable({ rows: kept.length, dims: parts[0]!.dims })
  const rowOf = new Map<string, number>()
  // All chunks are read before anything is refused: to read one is to find its damage, and a part
  // that is started again computes the damage that was found.
  const lacking = new Map<FoundPart, number>()
  for (const [i, chunk] of storedChunks(distinctKeys(rows)).entries()) {
    if (signal?.aborted) throw new InterruptedError('merging', signal)
    const keys = chunk.filter((key) => !failures.has(key))
    const at = i % parts.length
    const found = await folders[at]!.all(keys)
    if (found.size < keys.length) {
      const part = parts[at]!
      lacking.set(part, (lacking.get(part) ?? 0) + keys.length - found.size)
    }
    if (lacking.size > 0) continue
    for (const key of keys) {
      table.set(rowOf.size, found.get(key)![0]!)
      rowOf.set(key, rowOf.size)
    }
  }
  if (lacking.size > 0) throw incomplete(lacking)
  const named = rows.some(({ id }) => id !== undefined)
  return {
    ...quantize(table.take(kept.map((at) => rowOf.get(keyAt(rows[at]!))!)), parts[0]!.quantize),
    kept,
    ids: named ? kept.map((at) => rows[at]!.id ?? '') : undefined,
    items: rows.length,
  }
}

function keyAt(row: PartRow): string {
  return 'key' in row ? row.key : ''
}

function incomplete(lacking: ReadonlyMap<FoundPart, number>): EmbedderError {
  const told = [...lacking].map(
    ([{ path, shard }, missing]) => `${path}, part ${shard.index} of ${shard.of}, lacks ${missing} vectors`,
  )
  return new EmbedderError('missing-shard', {
    message: told.join('; '),
    hint: `Run ${told.length === 1 ? 'this part' : 'these parts'} again: vectors that are there are kept, missing or damaged ones are computed.`,
  })
}
