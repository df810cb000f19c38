/** @file Vectors that were read from a file or a folder, and the items that they belong to. */

import type { Tensor } from '../../../../foundation/numeric/tensor.ts'
import { EmbedderError } from '../../errors.ts'
import { VectorTable } from '../table.ts'

export interface VectorSet {
  readonly path: string
  /** `[rows, dim]` as they were stored: nobody has scaled them. */
  readonly vectors: Tensor<'f32'>
  /** Place of each row's item in its source, from 0. */
  readonly indices: readonly number[]
  /** Id of each row’s item, or its key in a folder. Undefined where the items have none. */
  readonly ids?: readonly string[]
  /** The words of each row's item, where the store keeps them; empty for an item without words. */
  readonly labels?: readonly string[]
  /** Items that have no vector: their rows are all NaN. */
  readonly skipped: number
}

export interface ReadVectorsOptions {
  /**
   * The tensor of a safetensors file, the column of a Parquet file, the key of JSON lines, the
   * readout of a folder. Default: `vector`, `vectors`, `embedding`, `embeddings`, the first that is
   * there; of a safetensors file with one matrix this one.
   */
  name?: string
  signal?: AbortSignal
}

/** Names that vectors go by, the likeliest first. */
export const VECTOR_NAMES: readonly string[] = ['vector', 'vectors', 'embedding', 'embeddings']

/** A row as a reader finds it. */
export interface FoundRow {
  readonly vector: Float32Array
  readonly index: number
  readonly id?: string
  readonly label?: string
}

/** Collects rows to a set. */
export class SetCollector {
  readonly #path: string
  readonly #table: VectorTable
  readonly #rows: FoundRow[] = []
  #dim: number | undefined
  #skipped = 0

  /** @param rows the largest number of rows, where it is known */
  constructor(path: string, rows?: number) {
    this.#path = path
    this.#table = new VectorTable({ rows })
  }

  /**
   * Adds a row. A row that is all NaN stands for an item without a vector.
   * @param where names the row in messages: `row 3`
   * @throws EmbedderError `embedder/vector-file` for a vector of another width than the ones
   *   before, or with elements that are not finite; `embedder/too-many`
   */
  add({ vector, ...row }: FoundRow, where: string): void {
    if (this.#dim === undefined) this.#dim = vector.length
    if (vector.length !== this.#dim || vector.length === 0)
      throw damaged(this.#path, `${where} has ${vector.length} elements, the rows before have ${this.#dim}`)
    if (vector.every(Number.isNaN)) {
      this.#skipped += 1
      return
    }
    const bad = vector.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) throw damaged(this.#path, `${where}: element ${bad} is ${shown(vector[bad])}`)
    this.#table.set(this.#rows.length, vector)
    this.#rows.push({ vector: EMPTY, ...row })
  }

  /** @throws EmbedderError `embedder/vector-file` for no vector at all, or an id given twice */
  finish(): VectorSet {
    const rows = this.#rows
    if (rows.length === 0) throw damaged(this.#path, 'it holds no vector')
    const ids = rows.flatMap(({ id }) => id ?? [])
    if (ids.length > 0 && ids.length < rows.length)
      throw damaged(this.#path, `${ids.length} of ${rows.length} rows have an id: expected all or none`)
    const twice = repeated(ids)
    if (twice !== undefined) throw damaged(this.#path, `the id "${twice}" is there twice`)
    const place = repeated(rows.map(({ index }) => index))
    if (place !== undefined) throw damaged(this.#path, `the index ${place} is there twice`)
    return {
      path: this.#path,
      vectors: this.#table.take([...rows.keys()]),
      indices: rows.map(({ index }) => index),
      ...(ids.length > 0 && { ids }),
      ...(rows.some(({ label }) => label !== undefined) && { labels: rows.map(({ label = '' }) => label) }),
      skipped: this.#skipped,
    }
  }
}

/** Doubles that no float holds are infinite here. */
function shown(value: number | undefined): string {
  return Number.isNaN(value) ? 'NaN' : `${value}, or too large for 32 bits`
}

/** A row's vector is in the table: the list of rows needs no second copy. */
const EMPTY = new Float32Array(0)

function repeated<T>(values: readonly T[]): T | undefined {
  const seen = new Set<T>()
  return values.find((value) => seen.size === seen.add(value).size)
}

/** A file that holds no vectors, or damaged ones. */
export function damaged(path: string, why: string, cause?: unknown): EmbedderError {
  return new EmbedderError('vector-file', {
    message: `${path} cannot be read as vectors: ${why}`,
    hint: 'Expected one vector of finite numbers a row, all of one width, as bifocal embed --out writes them.',
    cause,
  })
}
