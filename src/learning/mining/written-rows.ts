/** @file Pairs with their negatives as JSON lines, which `openPairs` reads. */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { writeFileAtomic } from '../../foundation/files/file.ts'
import type { DraftItem, DraftPair, DraftPicture } from '../../inputs/data/pairs/draft.ts'

/** A pair with its negatives. */
export interface MinedPair {
  /** As its row was written. */
  readonly pair: DraftPair
  /** Negatives that were found, as the rows that they come from were written. */
  readonly found: readonly DraftItem[]
  /** Similarities of the own target and of each negative that was found. */
  readonly scores: { readonly target: number; readonly negatives: readonly number[] }
}

/** Writes items as values of a JSON line in the file `out`. */
export class WrittenRows {
  readonly #folder: string
  readonly #pictures: string

  /** @param out the file of the lines: pictures are named relative to its folder */
  constructor(out: string) {
    this.#folder = resolve(dirname(out))
    this.#pictures = `${resolve(out)}.pictures`
  }

  /**
   * One line. Negatives that the pair had stay, before those that were found; as they may have no
   * scores, the line has scores only where there are none of them.
   * @throws FileError for a picture that has to be written
   */
  async line({ pair, found, scores }: MinedPair): Promise<string> {
    const negatives = await this.#items([...pair.negatives, ...found])
    const row = {
      query: await this.#item(pair.query),
      target: await this.#item(pair.target),
      ...(negatives.length > 0 && { negatives }),
      ...(pair.negatives.length === 0 &&
        found.length > 0 && {
          target_score: rounded(scores.target),
          negative_scores: scores.negatives.map(rounded),
        }),
    }
    return `${JSON.stringify(row)}\n`
  }

  async #items(items: readonly DraftItem[]): Promise<unknown[]> {
    const made: unknown[] = []
    for (const item of items) made.push(await this.#item(item))
    return made
  }

  async #item({ instruction, text, pictures }: DraftItem): Promise<unknown> {
    if (pictures.length === 0 && instruction === undefined) return text
    const paths: string[] = []
    for (const picture of pictures) paths.push(await this.#path(picture))
    return {
      ...(instruction !== undefined && { instruction }),
      ...(text !== undefined && { text }),
      ...(paths.length > 0 && { image: paths.length === 1 ? paths[0] : paths }),
    }
  }

  /** A picture that lies in no file of its own gets one, beside the lines. */
  async #path(picture: DraftPicture): Promise<string> {
    let path = picture
    if (typeof path !== 'string') {
      const name = createHash('sha256').update(path).digest('hex').slice(0, 32)
      const file = join(this.#pictures, `${name}${endingOf(path)}`)
      if (!existsSync(file)) await writeFileAtomic(file, path)
      path = file
    }
    return relative(this.#folder, path).replaceAll(sep, '/')
  }
}

/** As many digits as an f32 product has. */
function rounded(score: number): number {
  return Number(score.toPrecision(7))
}

/** First bytes of the formats that are read, in Latin-1, and how names of such files end. */
const FORMATS: readonly [start: RegExp, ending: string][] = [
  [/^\x89PNG/, '.png'],
  [/^\xff\xd8/, '.jpg'],
  [/^RIFF....WEBP/s, '.webp'],
  [/^GIF8/, '.gif'],
  [/^BM/, '.bmp'],
  [/^(II\*|MM\0)/, '.tif'],
]

function endingOf(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
  return FORMATS.find(([pattern]) => pattern.test(start))?.[1] ?? ''
}
