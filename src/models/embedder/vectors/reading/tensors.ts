/** @file Reads vectors from a safetensors file: a matrix, as `embed` or anybody else writes it. */

import { toF32 } from '../../../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../../../foundation/numeric/tensor.ts'
import { openSafetensors, type SafetensorsFile } from '../../../checkpoint/safetensors.ts'
import { damaged, type ReadVectorsOptions, SetCollector, VECTOR_NAMES, type VectorSet } from './set.ts'

/**
 * The metadata `ids` (a JSON list) names the rows, the tensor `items` says where each row's item
 * stands in its source, `scales` belong to rows of eight bits.
 * @throws EmbedderError `embedder/vector-file`; CheckpointError; FileError
 */
export async function readTensors(path: string, { name }: ReadVectorsOptions): Promise<VectorSet> {
  const file = await openSafetensors(path)
  const matrix = await file.read(nameOf(file, name))
  const [rows = 0, dim = 0] = matrix.dims
  const { data } = widened(matrix, path)
  const scales = file.tensors.has('scales') ? widened(await file.read('scales'), path).data : undefined
  const items = file.tensors.has('items') ? Array.from((await file.read('items')).data, Number) : undefined
  const ids = file.metadata.ids === undefined ? undefined : idsOf(file.metadata.ids, path)
  for (const [what, { length }] of Object.entries({ scales, items, ids }).flatMap(([key, list]) =>
    list === undefined ? [] : [[key, list] as const],
  ))
    if (length !== rows) throw damaged(path, `${length} ${what} for ${rows} vectors`)
  const set = new SetCollector(path, rows)
  for (let row = 0; row < rows; row++) {
    const own = data.subarray(row * dim, (row + 1) * dim)
    const vector = scales === undefined ? own : own.map((value) => value * scales[row]!)
    set.add({ vector, index: items?.[row] ?? row, id: ids?.[row] }, `row ${row}`)
  }
  return set.finish()
}

function nameOf({ path, tensors }: SafetensorsFile, asked: string | undefined): string {
  const matrices = [...tensors.values()].filter(({ dims }) => dims.length === 2).map(({ name }) => name)
  const usual = VECTOR_NAMES.find((name) => matrices.includes(name))
  const found = asked ?? usual ?? (matrices.length === 1 ? matrices[0] : undefined)
  if (found !== undefined && matrices.includes(found)) return found
  const some = matrices.length === 0 ? 'it holds no matrix' : `its matrices are ${matrices.join(', ')}`
  throw damaged(path, asked === undefined ? `${some}, name one of them` : `no matrix "${asked}": ${some}`)
}

function widened(value: Tensor, path: string): Tensor<'f32'> {
  if (value.dtype === 'i8') return f32(value.dims, Float32Array.from(value.data, Number))
  if (value.dtype === 'f32' || value.dtype === 'f16' || value.dtype === 'bf16') return toF32(value)
  const why = value.dtype === 'u8' ? 'vectors of single bits have no cosines' : `of type ${value.dtype}`
  throw damaged(path, `${why}; expected f32, f16, bf16 or i8`)
}

function idsOf(json: string, path: string): string[] {
  try {
    const ids: unknown = JSON.parse(json)
    if (Array.isArray(ids)) return ids.map(String)
  } catch (cause) {
    throw damaged(path, 'its metadata "ids" is no JSON', cause)
  }
  throw damaged(path, 'its metadata "ids" is no list')
}
