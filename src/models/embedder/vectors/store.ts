/**
 * @file A store keeps finished vectors, so that a later run need not compute them again. There are
 * two: the journal beside an output file, and a folder of chunks.
 */

/** Vectors by the key of their item, one for each readout. One run writes, later ones read. */
export interface VectorStore {
  /** Names of an item's vectors, in the order in which `get` gives and `put` takes them. */
  readonly readouts: readonly string[]
  /** The vectors that an earlier run left. */
  get(key: string): Promise<readonly Float32Array[] | undefined>
  /**
   * Keeps vectors: all of the entries or none.
   * @throws EmbedderError `embedder/store` for a NaN, an infinity, or another number of vectors
   */
  put(entries: readonly StoredVectors[]): Promise<void>
}

export interface StoredVectors {
  /** Equal for equal items, of any length. */
  readonly key: string
  /** One for each readout. */
  readonly vectors: readonly Float32Array[]
  /** For people who read the store: instruction, text, keys of the pictures. */
  readonly about?: Readonly<Record<string, unknown>>
}
