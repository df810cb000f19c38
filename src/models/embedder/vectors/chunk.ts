/**
 * @file One chunk of a folder of vectors: `NAME.safetensors` with a tensor `[items, dim]` for each
 * readout, and `NAME.jsonl` with the items in the same order, a JSON object a line. NAME is a hash
 * of the items' keys. The list is written last: vectors without a list are ignored, so that a kill
 * between the two files costs this chunk and nothing else.
 */

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { readText, writeFileAtomic } from '../../../foundation/files/file.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { loadSafetensors, openSafetensors, writeSafetensors } from '../../checkpoint/safetensors.ts'
import { EmbedderError } from '../errors.ts'
import type { StoredVectors } from './store.ts'

/** Every chunk of a folder has vectors of one model with one list of readouts. */
export interface ChunkOptions {
  /** Of everything that decides the vectors. */
  fingerprint: string
  readouts: readonly string[]
}

const line = z.object({ key: z.string() })

/** Writes both files. @throws FileError `file/disk-full`, `file/write` */
export async function writeChunk(
  folder: string,
  { fingerprint, readouts }: ChunkOptions,
  entries: readonly StoredVectors[],
): Promise<string> {
  const name = chunkName(entries.map(({ key }) => key))
  const tensors: Record<string, Tensor<'f32'>> = {}
  for (const [i, readout] of readouts.entries()) {
    const dim = entries[0]?.vectors[i]?.length ?? 0
    const data = new Float32Array(entries.length * dim)
    for (const [row, { vectors }] of entries.entries()) data.set(vectors[i]!, row * dim)
    tensors[readout] = f32([entries.length, dim], data)
  }
  const sha256 = checksum(readouts, tensors)
  await writeSafetensors(join(folder, `${name}.safetensors`), tensors, {
    fingerprint,
    readouts: JSON.stringify(readouts),
    sha256,
  })
  const lines = entries.map(({ key, about }) => `${JSON.stringify({ key, ...about })}\n`)
  await writeFileAtomic(join(folder, `${name}.jsonl`), lines.join(''))
  return name
}

/**
 * The keys of a chunk's list.
 * @throws EmbedderError `embedder/store` for a list that is damaged; FileError
 */
export async function readKeys(folder: string, name: string): Promise<string[]> {
  const path = join(folder, `${name}.jsonl`)
  const lines = (await readText(path)).split('\n').filter((words) => words !== '')
  const keys = lines.map((words, at) => {
    try {
      return line.parse(JSON.parse(words)).key
    } catch (cause) {
      throw damaged(`${path}, line ${at + 1} is no item`, cause)
    }
  })
  if (chunkName(keys) !== name) throw damaged(`${path} is not the list that it was written as`)
  return keys
}

/**
 * The vectors of a chunk: for each row, one for each readout.
 * @throws EmbedderError `embedder/store`, CheckpointError for a file that is damaged or another
 *   model's; FileError
 */
export async function readRows(
  folder: string,
  name: string,
  { fingerprint, readouts }: ChunkOptions,
  rows: number,
): Promise<Float32Array[][]> {
  const path = join(folder, `${name}.safetensors`)
  const { metadata } = await openSafetensors(path)
  const tensors = Object.fromEntries(await loadSafetensors(path))
  const columns = readouts.map((readout) => {
    const found = tensors[readout]
    if (found?.data instanceof Float32Array && found.dims.length === 2 && found.dims[0] === rows)
      return { data: found.data, dim: found.dims[1]! }
    const form = found === undefined ? 'absent' : `${found.dtype} [${found.dims}]`
    throw damaged(`${path}: readout ${readout} is ${form}, expected f32 [${rows}, dim]`)
  })
  if (metadata.fingerprint !== fingerprint) throw damaged(`${path} holds vectors of another model`)
  if (metadata.sha256 !== checksum(readouts, tensors))
    throw damaged(`${path} has changed since it was written`)
  return Array.from({ length: rows }, (_, row) =>
    columns.map(({ data, dim }) => data.slice(row * dim, (row + 1) * dim)),
  )
}

function chunkName(keys: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(keys)).digest('hex').slice(0, 24)
}

function checksum(readouts: readonly string[], tensors: Readonly<Record<string, Tensor>>): string {
  const hash = createHash('sha256')
  for (const readout of readouts) {
    const { data } = tensors[readout]!
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  return hash.digest('hex')
}

function damaged(message: string, cause?: unknown): EmbedderError {
  const hint = 'Remove the file: its vectors are computed again.'
  return new EmbedderError('store', { message, hint, cause })
}
