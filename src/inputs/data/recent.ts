/** @file Values that were used lately, up to a number of bytes. */

/** Keeps values under keys. The ones used longest ago are forgotten first. */
export class Recent<T> {
  readonly #limit: number
  /** The one used last stands last. */
  readonly #kept = new Map<string, { readonly value: Promise<T>; readonly bytes: number }>()
  #total = 0

  /** @param limit bytes in all; the last value is kept, however large */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * The value of a key; `make` makes it where it is not kept. A failure is not kept.
   * @param bytes that it takes, about
   */
  async get(key: string, bytes: number, make: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(key)
    this.#forget(key)
    const entry = known ?? { value: make(), bytes }
    this.#kept.set(key, entry)
    this.#total += entry.bytes
    for (const oldest of this.#kept.keys()) {
      if (this.#total <= this.#limit || oldest === key) break
      this.#forget(oldest)
    }
    try {
      return await entry.value
    } catch (cause) {
      if (this.#kept.get(key) === entry) this.#forget(key)
      throw cause
    }
  }

  clear(): void {
    this.#kept.clear()
    this.#total = 0
  }

  #forget(key: string): void {
    this.#total -= this.#kept.get(key)?.bytes ?? 0
    this.#kept.delete(key)
  }
}
