/** @file Vectors that were made elsewhere, as a contestant; and the items to make them of. */

import { createHash } from 'node:crypto'
import { basename, extname, join } from 'node:path'
import sharp from 'sharp'
import { makeFolder, writeFileAtomic } from '../../../foundation/files/file.ts'
import { InterruptedError } from '../../../foundation/numeric/errors.ts'
import { l2NormaliseRows } from '../../../foundation/numeric/linear.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import type { KeyedItem, Picture } from '../../../inputs/data/item.ts'
import { CONTRACT_READOUT } from '../../../models/embedder/embedding.ts'
import type { VectorMaker } from '../../../models/embedder/vectors/maker.ts'
import { readVectorSet } from '../../../models/embedder/vectors/read.ts'
import type { VectorSet } from '../../../models/embedder/vectors/reading/set.ts'
import { BenchmarkError } from '../errors.ts'
import { plainItems } from './budget.ts'
import { type Contestant, uniqueIds } from './contestant.ts'
import { closeTasks, openTasks } from './opening.ts'
import type { EvaluateOptions } from './options.ts'

/**
 * @param given `FILE` or `LABEL=FILE`
 * @param items all items of the run, in the order of `items.jsonl`
 * @throws BenchmarkError `benchmark/vector-items` for a file that does not fit the items,
 *   `benchmark/zero-vector`; as `readVectorSet`
 */
export async function vectorContestants(
  given: readonly string[],
  items: readonly KeyedItem[],
  taken: readonly string[],
): Promise<Contestant[]> {
  const named = given.map(labelled)
  const ids = uniqueIds(
    named.map(({ label }) => label),
    taken,
  )
  const made: Contestant[] = []
  for (const [i, { path }] of named.entries())
    made.push(contestantOf(ids[i]!, await readVectorSet(path), items))
  return made
}

/** `LABEL=FILE`; a label without one is the name of the file. */
function labelled(given: string): { label: string; path: string } {
  const [, label, path] = /^([^=/\\]+)=(.+)$/.exec(given) ?? []
  if (label !== undefined && path !== undefined) return { label, path }
  return { label: basename(given, extname(given)), path: given }
}

function contestantOf(id: string, set: VectorSet, items: readonly KeyedItem[]): Contestant {
  const rowOf = rowsByKey(set, items)
  const dim = set.vectors.dims[1] ?? 0
  checkDirections(set)
  const { data } = l2NormaliseRows(set.vectors)
  const hash = createHash('sha256').update(`vectors ${dim} ${JSON.stringify([...rowOf])}`)
  const fingerprint = hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest('hex')
  const maker: VectorMaker = {
    id,
    hash: fingerprint,
    readouts: [CONTRACT_READOUT],
    async embed(wanted, { badItems }) {
      const rows = wanted.map(({ key }) => rowOf.get(key))
      const skipped = rows.flatMap((row, index) => (row === undefined ? [index] : []))
      if (skipped.length > 0 && badItems !== 'skip') throw noVector(set.path)
      const kept = rows.filter((row) => row !== undefined)
      const out = new Float32Array(kept.length * dim)
      for (const [i, row] of kept.entries()) out.set(data.subarray(row * dim, (row + 1) * dim), i * dim)
      const { code, message, hint } = noVector(set.path)
      return {
        vectors: { [CONTRACT_READOUT]: f32([kept.length, dim], out) },
        skipped: skipped.map((index) => ({ index, code, message, hint })),
      }
    },
  }
  return {
    model: {
      id,
      label: id,
      role: 'model',
      family: null,
      objective: 'none',
      attention: 'none',
      readout: `${dim} elements, as they were given`,
      readouts: [...maker.readouts],
      fingerprint,
      parameters: null,
    },
    open: async () => ({ maker, close: async () => {} }),
  }
}

/** A vector of zeros has no cosine: its scores would mean nothing. */
function checkDirections({ path, vectors: { dims, data }, indices, ids }: VectorSet): void {
  const [rows = 0, dim = 0] = dims
  for (let row = 0; row < rows; row++) {
    if (data.subarray(row * dim, (row + 1) * dim).some((element) => element !== 0)) continue
    const place = ids === undefined ? `row ${indices[row]}` : ids[row]
    throw new BenchmarkError('zero-vector', {
      message: `${path}: the vector of ${place} has no direction: all its elements are 0`,
      hint: 'Embed the item again, or let its row be NaN: then it is left out for all models.',
    })
  }
}

/** The row of each item: by the ids, which are keys, or by the order. */
function rowsByKey(set: VectorSet, items: readonly KeyedItem[]): ReadonlyMap<string, number> {
  const { path, ids, indices, skipped } = set
  if (ids === undefined) {
    const count = indices.length + skipped
    if (count !== items.length) {
      throw new BenchmarkError('vector-items', {
        message: `${path} has ${count} rows, the tasks have ${items.length} items`,
        hint: 'Write the items with `bifocal eval --tasks … --items FOLDER`, and embed all of them in their order.',
      })
    }
    return new Map(indices.map((index, row) => [items[index]!.key, row]))
  }
  const rows = new Map(ids.map((id, row) => [id, row]))
  const absent = items.filter(({ key }) => !rows.has(key)).length
  if (absent > skipped) {
    throw new BenchmarkError('vector-items', {
      message: `${path} lacks the vectors of ${absent} of ${items.length} items of the tasks`,
      hint: 'Its ids have to be those of the items that `bifocal eval --tasks … --items FOLDER` writes.',
    })
  }
  return rows
}

function noVector(path: string): BenchmarkError {
  return new BenchmarkError('vector-items', {
    message: `${path} has no vector of the item`,
    hint: 'The program that made the file skipped it.',
  })
}

/**
 * Writes the items of tasks, to embed them elsewhere: `items.jsonl` with a JSON object a line (id,
 * instruction, text, image), and the pictures as PNG files beside it.
 * @returns how many items were written
 * @throws as `TaskSource.open`; MediaError for a picture that cannot be read; FileError
 */
export async function writeItems(
  folder: string,
  options: Pick<EvaluateOptions, 'tasks' | 'limit' | 'stray' | 'strict' | 'signal' | 'onProgress'>,
): Promise<number> {
  const { signal, onProgress } = options
  const opened = await openTasks([], options)
  try {
    const items = plainItems(opened)
    const written = new Set<string>()
    const lines: string[] = []
    for (const [done, { key, instruction, text, image = [] }] of items.entries()) {
      if (signal?.aborted) throw new InterruptedError('writing the items', signal)
      onProgress?.({ label: 'writing the items', done, total: items.length })
      const files = image.map(fileOf)
      for (const [i, file] of files.entries()) {
        if (!written.has(file)) await writePicture(join(folder, file), image[i]!)
        written.add(file)
      }
      const pictures = files.length > 1 ? files : files[0]
      lines.push(`${JSON.stringify({ id: key, instruction, text, image: pictures })}\n`)
    }
    await writeFileAtomic(join(folder, 'items.jsonl'), lines.join(''))
    return items.length
  } finally {
    await closeTasks(opened)
  }
}

function fileOf({ key }: Picture): string {
  return `images/${createHash('sha256').update(key).digest('hex').slice(0, 32)}.png`
}

async function writePicture(path: string, picture: Picture): Promise<void> {
  const { width, height, data } = await picture.read()
  await makeFolder(join(path, '..'))
  await writeFileAtomic(
    path,
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  )
}
