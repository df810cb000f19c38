/**
 * @file Vectors on disk, content-addressed:
 * `<dir>/<model hash>/<hash of the item keys>.safetensors` with one tensor `[items, dim]` a
 * readout, and `….jsonl` with the items in the same order. Two stores merge by copying files;
 * Python reads both.
 */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readText, writeFileAtomic } from '../../foundation/files/file.ts'
import { InterruptedError } from '../../foundation/numeric/errors.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import { CheckpointError } from '../../models/checkpoint/errors.ts'
import { loadSafetensors, writeSafetensors } from '../../models/checkpoint/safetensors.ts'
import { BenchmarkError } from './errors.ts'
import type { EmbeddingModel, VectorOf } from './model.ts'

export interface EmbedProgress {
  /** Items that have a vector, of `total`. */
  done: number
  total: number
}

export interface StoreOptions {
  signal?: AbortSignal
  onProgress?: (progress: EmbedProgress) => void
  /** Told of files that are damaged: their items are computed again. */
  warn?: (message: string) => void
}

/** All vectors of one model that were asked for. */
export interface StoredVectors {
  /** @throws BenchmarkError `benchmark/no-vector` */
  readonly of: (readout: string) => VectorOf
  /** Items that were taken from disk. */
  readonly resumed: number
}

/**
 * Items a file. An interrupted run computes at most this many again; its chunks fall on the same
 * borders, so the bytes are the same.
 */
const CHUNK = 256

const REMOVE = 'Remove the file: its vectors are computed again.'

const line = z.object({ key: z.string() })

/**
 * Vectors of all items, those on disk taken from there, the rest computed in chunks that are
 * written as they are done.
 * @param items equal keys count once
 * @throws BenchmarkError `benchmark/store` for vectors of another form than their readouts have;
 *   FileError; InterruptedError
 */
export async function embedAll(
  dir: string,
  model: EmbeddingModel,
  items: readonly KeyedItem[],
  { signal, onProgress, warn }: StoreOptions = {},
): Promise<StoredVectors> {
  const folder = join(
    dir,
    createHash('sha256').update(`${model.hash}\n${model.readouts.join()}`).digest('hex').slice(0, 24),
  )
  const vectors = await readStore(folder, model.readouts, warn)
  const distinct = [...new Map(items.map((item) => [item.key, item])).values()]
  const missing = distinct.filter(({ key }) => !vectors.has(key))
  const resumed = distinct.length - missing.length
  for (let start = 0; start < missing.length; start += CHUNK) {
    if (signal?.aborted) throw new InterruptedError('embedding')
    const chunk = missing.slice(start, start + CHUNK)
    const made = await model.embed(chunk, { signal })
    await writeChunk(folder, model, chunk, made)
    addRows(
      vectors,
      chunk.map(({ key }) => key),
      made,
      model.readouts,
      model.id,
    )
    onProgress?.({ done: resumed + start + chunk.length, total: distinct.length })
  }
  return {
    resumed,
    of(readout) {
      const column = model.readouts.indexOf(readout)
      return (key) => {
        const found = vectors.get(key)?.[column]
        if (found !== undefined) return found
        throw new BenchmarkError('no-vector', {
          message: `${model.id} has no ${readout} vector of "${key}"`,
          hint: 'Embed all items of the tasks before they are scored.',
        })
      }
    },
  }
}

/** Key → one vector a readout. */
type Rows = Map<string, Float32Array[]>

async function readStore(
  folder: string,
  readouts: readonly string[],
  warn?: (message: string) => void,
): Promise<Rows> {
  const rows: Rows = new Map()
  if (!existsSync(folder)) return rows
  for (const name of (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort()) {
    const path = join(folder, name)
    const list = path.replace(/safetensors$/, 'jsonl')
    if (!existsSync(list)) continue
    try {
      addRows(
        rows,
        keysOf(list, await readText(list)),
        Object.fromEntries(await loadSafetensors(path)),
        readouts,
        path,
      )
    } catch (error) {
      if (!(error instanceof CheckpointError || error instanceof BenchmarkError)) throw error
      warn?.(`${error.message}; its vectors are computed again`)
      // Without their list they count no more, whether or not the same items come together again.
      await rm(list, { force: true })
    }
  }
  return rows
}

function keysOf(path: string, text: string): string[] {
  const lines = text.split('\n').filter((words) => words !== '')
  return lines.map((words, at) => {
    try {
      return line.parse(JSON.parse(words)).key
    } catch (cause) {
      throw new BenchmarkError('store', {
        message: `${path}, line ${at + 1} is no item`,
        hint: REMOVE,
        cause,
      })
    }
  })
}

function addRows(
  rows: Rows,
  keys: readonly string[],
  tensors: Readonly<Record<string, Tensor>>,
  readouts: readonly string[],
  where: string,
): void {
  const columns = readouts.map((readout) => {
    const found = tensors[readout]
    if (found?.data instanceof Float32Array && found.dims[0] === keys.length)
      return { data: found.data, dim: found.dims[1] ?? 0 }
    throw new BenchmarkError('store', {
      message: `${where}: readout ${readout} is ${found === undefined ? 'absent' : `${found.dtype} [${found.dims}]`}, expected f32 [${keys.length}, dim]`,
      hint: REMOVE,
    })
  })
  for (const [row, key] of keys.entries()) {
    const vectors = columns.map(({ data, dim }) => data.subarray(row * dim, (row + 1) * dim))
    rows.set(key, vectors)
  }
}

/**
 * The list comes last: vectors without it don't count, so a kill between the two costs a chunk and
 * nothing else.
 */
async function writeChunk(
  folder: string,
  model: EmbeddingModel,
  items: readonly KeyedItem[],
  made: Readonly<Record<string, Tensor>>,
): Promise<void> {
  const name = createHash('sha256')
    .update(items.map(({ key }) => key).join('\n'))
    .digest('hex')
    .slice(0, 24)
  await writeSafetensors(join(folder, `${name}.safetensors`), made, { model: model.id, hash: model.hash })
  const lines = items.map(({ key, instruction, text, image }) =>
    JSON.stringify({ key, instruction, text, image: image?.map((picture) => picture.key) }),
  )
  await writeFileAtomic(join(folder, `${name}.jsonl`), lines.map((text) => `${text}\n`).join(''))
}
