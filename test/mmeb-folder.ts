/** @file An MMEB-train folder in small: two subsets, made of the example pairs. */

import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parquetWriteBuffer } from 'hyparquet-writer'

const pairs = fileURLToPath(new URL('../packages/twins/pairs', import.meta.url))

/** Pictures to captions, and captions to pictures, 24 rows each. */
export function writeMmebTrain(dir: string): string {
  const names = readdirSync(pairs).filter((name) => name.endsWith('.png'))
  const caption = (name: string) => `a ${name.replace('.png', '')}`
  const find = 'Find the caption of the picture.\n'
  const rows: Readonly<Record<string, readonly string[][]>> = {
    Captions: names.map((name) => [`<|image_1|>\n${find}`, `images/Captions/${name}`, caption(name), '']),
    Pictures: names.map((name) => [
      `Find the picture: ${caption(name)}`,
      '',
      '<|image_1|>\nRepresent the given image.\n',
      `images/Pictures/${name}`,
    ]),
  }
  for (const [subset, table] of Object.entries(rows)) {
    mkdirSync(join(dir, subset), { recursive: true })
    cpSync(pairs, join(dir, 'images', subset), { recursive: true })
    const columns = ['qry', 'qry_image_path', 'pos_text', 'pos_image_path'].map((name, i) => ({
      name,
      data: table.map((row) => row[i]!),
      type: 'STRING' as const,
    }))
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData: columns }))
    writeFileSync(join(dir, subset, 'original-00000-of-00001.parquet'), bytes)
  }
  return dir
}
