/** @file Items that a test writes down, as lines of JSON. */

import { jsonLines } from '../src/inputs/data/jsonl.ts'
import type { ItemSource } from '../src/inputs/data/source.ts'

/** @param folder what paths of pictures are relative to */
export function itemsOfText(text: string, name: string, folder: string): ItemSource {
  const total = text.split('\n').filter((line) => line.trim() !== '').length
  return { name, total, lines: () => jsonLines(pieces(text), { name, folder, columns: {} }) }
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}
