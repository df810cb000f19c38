/**
 * @file The pairs that a tuning left out because they could not be read: counted, listed in a file,
 * and at some point too many.
 */

import { existsSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFailure } from '../../foundation/files/errors.ts'
import { readText, writeFileAtomic } from '../../foundation/files/file.ts'
import type { BifocalError } from '../../foundation/numeric/errors.ts'
import type { PairRef } from './batches.ts'
import { TuningError } from './errors.ts'

const skippedSchema = z.object({
  source: z.string(),
  row: z.int().nonnegative(),
  code: z.string(),
  message: z.string(),
})

/** A pair that could not be read. */
export type SkippedPair = Readonly<z.output<typeof skippedSchema>>

export interface SkippedOptions {
  /** Path of the list: a line of JSON for each pair. */
  path: string
  /** Whether the first such pair ends the tuning; default false. */
  strict?: boolean
  /** Share of the pairs that may be left out, at least `FREE` of them; default 0.05. */
  most?: number
  warn?: (message: string) => void
}

/** So many pairs may be left out whatever their share. */
const FREE = 20

export class SkippedPairs {
  readonly #options: SkippedOptions
  readonly #listed: Map<string, SkippedPair>
  #draws = 0
  #seen = 0
  #writing: Promise<void> = Promise.resolve()

  private constructor(options: SkippedOptions, listed: readonly SkippedPair[]) {
    this.#options = options
    this.#listed = new Map(listed.map((pair) => [placeOf(pair), pair]))
  }

  /** Goes on with the list, where there is one. @throws FileError */
  static async open(options: SkippedOptions): Promise<SkippedPairs> {
    const { path } = options
    const lines = existsSync(path) ? (await readText(path)).split('\n') : []
    const listed = lines.flatMap((line) => parse(line) ?? [])
    await writeFileAtomic(path, listed.map((pair) => `${JSON.stringify(pair)}\n`).join(''))
    return new SkippedPairs(options, listed)
  }

  /** Every pair once, in the order in which they were met. */
  get all(): readonly SkippedPair[] {
    return [...this.#listed.values()]
  }

  /** Counts pairs of a batch, whether they can be read or not. */
  saw(pairs: number): void {
    this.#seen += pairs
  }

  /**
   * Notes that a pair is left out.
   * @throws TuningError `tuning/skipped` when too many are, or one is where the tuning is strict
   */
  add({ source, row }: PairRef, error: BifocalError): void {
    const { strict = false, most = 0.05, warn, path } = this.#options
    const { code, message } = error
    if (strict) {
      throw new TuningError('skipped', {
        message: `pair ${row} of ${source} can't be read: ${message}`,
        hint: `${error.hint} Without --strict such pairs are left out and listed.`,
        cause: error,
      })
    }
    this.#draws += 1
    const pair = { source, row, code, message }
    if (!this.#listed.has(placeOf(pair))) {
      this.#listed.set(placeOf(pair), pair)
      if (this.#listed.size === 1)
        warn?.(`a pair is left out: ${source}, pair ${row}: ${message}; all such pairs: ${path}`)
      this.#writing = this.#writing.then(() => appendFile(path, `${JSON.stringify(pair)}\n`))
      // `settle` reports it. Catch it here so that Node does not see an unhandled rejection.
      this.#writing.catch(() => {})
    }
    if (this.#draws <= Math.max(FREE, most * this.#seen)) return
    throw new TuningError('skipped', {
      message: `${this.#draws} of the ${this.#seen} pairs so far could not be read; the last: ${source}, pair ${row}: ${message}`,
      hint: `${path} lists them. Correct the data, or allow more of them.`,
      cause: error,
    })
  }

  /** Waits until the list is written. @throws FileError `file/write`, `file/disk-full` */
  async settle(): Promise<void> {
    await this.#writing.catch((cause: unknown) => {
      throw writeFailure(this.#options.path, cause)
    })
  }
}

const placeOf = ({ source, row }: PairRef): string => JSON.stringify([source, row])

function parse(line: string): SkippedPair | undefined {
  try {
    return skippedSchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
