/**
 * @file Where finished vectors are kept while a run goes on, so that the next run need not compute
 * them again.
 */

/** Vectors by the key of their item. One run writes, later ones read. */
export interface VectorStore {
  /** The vector that an earlier run left. */
  get(key: string): Promise<Float32Array | undefined>
  /** @returns when the vectors will survive the end of the process */
  put(entries: readonly StoredVector[]): Promise<void>
}

export interface StoredVector {
  /** sha256 of the item, 64 hexadecimal digits. */
  key: string
  vector: Float32Array
}
