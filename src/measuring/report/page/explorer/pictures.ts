/** @file Small pictures on a canvas: decoded when they are first needed. */

export class Pictures {
  readonly #sources: readonly string[]
  readonly #made = new Map<number, HTMLImageElement>()
  readonly #waiting = new Set<() => void>()

  /** @param sources data URLs */
  constructor(sources: readonly string[]) {
    this.#sources = sources
  }

  /** The data URL of a picture. */
  source(index: number | undefined): string | undefined {
    return index === undefined ? undefined : this.#sources[index]
  }

  /** The picture, once it is decoded; until then undefined, and `ready` is called when it is. */
  get(index: number, ready: () => void): HTMLImageElement | undefined {
    const known = this.#made.get(index)
    if (known?.complete === true) return known
    this.#waiting.add(ready)
    const source = this.#sources[index]
    if (known !== undefined || source === undefined) return undefined
    const image = new Image()
    this.#made.set(index, image)
    image.addEventListener('load', () => {
      for (const told of this.#waiting) told()
      this.#waiting.clear()
    })
    image.src = source
    return undefined
  }
}
