/**
 * @file Vectors in fewer bits. Both kinds look at one vector at a time and need no calibration, so
 * the vectors of queries, documents and later runs can be compared.
 *
 * `int8`: `q = round(127 · v / max|v|)` with the scale `max|v| / 127` kept beside; `v ≈ q · scale`,
 * and cosines need no scale. `binary`: one bit an element, 1 where it is positive, eight to a byte,
 * the first element the highest bit, the last byte filled with 0: NumPy's
 * `packbits(v > 0, axis=-1)`, which sentence-transformers calls `ubinary`. Compare by Hamming
 * distance.
 */

import { int8Rows } from '../../../foundation/numeric/int8.ts'
import { type Tensor, tensor } from '../../../foundation/numeric/tensor.ts'

export type Quantization = 'int8' | 'binary'

/** Rows in their final form. */
export interface QuantizedVectors {
  /** `[rows, dim] f32` as they were, `[rows, dim] i8`, or `[rows, ⌈dim / 8⌉] u8`. */
  vectors: Tensor<'f32'> | Tensor<'i8'> | Tensor<'u8'>
  /** `[rows] f32` for `int8`: `vector ≈ scale · row`. */
  scales?: Tensor<'f32'>
}

/** @param vectors `[rows, dim]` */
export function quantize(vectors: Tensor<'f32'>, kind: Quantization | undefined): QuantizedVectors {
  if (kind === 'int8') {
    const { values, scales } = int8Rows(vectors)
    return { vectors: values, scales }
  }
  return { vectors: kind === 'binary' ? signs(vectors) : vectors }
}

function signs({ dims, data }: Tensor<'f32'>): Tensor<'u8'> {
  const [rows = 0, dim = 0] = dims
  const width = Math.ceil(dim / 8)
  const out = new Uint8Array(rows * width)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < dim; i++)
      if (data[row * dim + i]! > 0) out[row * width + (i >> 3)]! |= 0x80 >> (i & 7)
  }
  return tensor('u8', [rows, width], out)
}
