/** @file Opens vectors that somebody stored: a file in one of four formats, or a folder. */

import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { readFailure } from '../../../foundation/files/errors.ts'
import { EmbedderError } from '../errors.ts'
import { readVectorFolder } from './reading/folder.ts'
import { readVectorLines } from './reading/lines.ts'
import { readNpy } from './reading/npy.ts'
import { readParquetVectors } from './reading/parquet.ts'
import type { ReadVectorsOptions, VectorSet } from './reading/set.ts'
import { readTensors } from './reading/tensors.ts'

type Reader = (path: string, options: ReadVectorsOptions) => Promise<VectorSet>

const readers: Readonly<Record<string, Reader>> = {
  '.npy': readNpy,
  '.safetensors': readTensors,
  '.parquet': readParquetVectors,
  '.jsonl': readVectorLines,
}

/**
 * Reads vectors into memory, with the names of their items.
 * @param path a .npy, .safetensors, .parquet or .jsonl file that `embed` or anybody else wrote, or
 *   a folder of stored vectors
 * @throws EmbedderError `embedder/vector-format`, `embedder/vector-file`, `embedder/store`;
 *   CheckpointError, ItemError for a damaged file; FileError
 * @example const { vectors, ids } = await readVectorSet('pictures.parquet')
 */
export async function readVectorSet(path: string, options: ReadVectorsOptions = {}): Promise<VectorSet> {
  const found = await stat(path).catch((cause: unknown) => {
    throw readFailure(path, cause)
  })
  if (found.isDirectory()) return await readVectorFolder(path, options)
  const reader = readers[extname(path)]
  if (reader !== undefined) return await reader(path, options)
  throw new EmbedderError('vector-format', {
    message: `${path}: expected a name that ends with ${Object.keys(readers).join(', ')}`,
    hint: 'The ending says how the vectors are read. A folder of stored vectors is read too.',
  })
}
