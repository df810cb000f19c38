/**
 * @file Rasterises the emoji sets of the dev dependencies to the sheets of `packages/twins/data/`,
 * and draws `horse.png` and `pairs/` beside it (specs/embedded-data.md §2–4). Developers only:
 *
 *     npx tsc -p tsconfig.scripts.json && node .bifocal/scripts/scripts/build-data.js [DIRECTORY]
 *
 * The pictures are committed, so that pixels are the same bytes on every machine, whatever librsvg
 * sharp carries.
 */

import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import sharp from 'sharp'
import { fnv1a32 } from '../src/foundation/numeric/random.ts'
import { premultiply, thumbnail } from '../src/inputs/scenes/area.ts'
import { type Concept, STYLES, TRAINING_STYLES } from '../src/inputs/scenes/concepts.ts'
import { CELL, SHEET_COLUMNS } from '../src/inputs/scenes/sheets.ts'
import { clusterConcepts, heldOutClusters } from './emoji/clusters.ts'
import { exampleFiles } from './emoji/example.ts'
import { type Drawing, type Selected, selectEmoji } from './emoji/select.ts'

// One thread and no cache: repeatable memory and timing.
sharp.concurrency(1)
sharp.cache(false)

/** @returns `[64, 64, 4]` straight RGBA, centred */
async function rasterise({ body, left, top, width, height }: Drawing): Promise<Uint8Array> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}" viewBox="${left} ${top} ${width} ${height}">${body}</svg>`
  // The density that renders at the final size; otherwise small drawings are blurred by
  // enlargement.
  const density = (72 * CELL) / Math.max(width, height)
  const transparent = { r: 0, g: 0, b: 0, alpha: 0 }
  return sharp(Buffer.from(svg), { density })
    .resize(CELL, CELL, { fit: 'contain', background: transparent })
    .ensureAlpha()
    .raw()
    .toBuffer()
}

/**
 * Cells of one style by concept; absent where the set lacks the drawing or two concepts share its
 * pixels.
 */
async function rasteriseStyle(
  concepts: readonly Selected[],
  style: number,
): Promise<(Uint8Array | undefined)[]> {
  const name = STYLES[style]!
  const cells: (Uint8Array | undefined)[] = []
  for (const { drawings } of concepts) {
    const drawing = drawings[name]
    cells.push(drawing && (await rasterise(drawing)))
  }
  if (style < TRAINING_STYLES) return cells
  const seen = new Map<string, number[]>()
  cells.forEach((cell, i) => {
    if (cell === undefined) return
    const digest = createHash('sha256').update(cell).digest('hex')
    seen.set(digest, [...(seen.get(digest) ?? []), i])
  })
  for (const sharers of seen.values()) if (sharers.length > 1) for (const i of sharers) cells[i] = undefined
  return cells
}

async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${file}.partial`, content)
  await rename(`${file}.partial`, file)
}

async function writeSheet(file: string, cells: readonly (Uint8Array | undefined)[]): Promise<void> {
  const width = SHEET_COLUMNS * CELL
  const height = Math.ceil(cells.length / SHEET_COLUMNS) * CELL
  const pixels = new Uint8Array(width * height * 4)
  cells.forEach((cell, i) => {
    if (cell === undefined) return
    const start = (Math.floor(i / SHEET_COLUMNS) * CELL * width + (i % SHEET_COLUMNS) * CELL) * 4
    for (let y = 0; y < CELL; y++)
      pixels.set(cell.subarray(y * CELL * 4, (y + 1) * CELL * 4), start + y * width * 4)
  })
  await writeWhole(
    file,
    await sharp(pixels, { raw: { width, height, channels: 4 } })
      .webp({ lossless: true, effort: 6 })
      .toBuffer(),
  )
}

async function writeSums(directory: string): Promise<void> {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== 'SHA256SUMS')
    .map((entry) => `${entry.parentPath.slice(directory.length)}/${entry.name}`.replace(/^\//, ''))
    .sort()
  const lines: string[] = []
  for (const file of files)
    lines.push(
      `${createHash('sha256')
        .update(await readFile(`${directory}/${file}`))
        .digest('hex')}  ${file}\n`,
    )
  await writeWhole(`${directory}/SHA256SUMS`, lines.join(''))
}

async function build(directory: string): Promise<void> {
  await mkdir(`${directory}/emoji`, { recursive: true })
  const selected = await selectEmoji()
  const thumbnails: Float32Array[][] = []
  const present: boolean[][] = []
  for (const [style, name] of STYLES.entries()) {
    const cells = await rasteriseStyle(selected, style)
    await writeSheet(`${directory}/emoji/${name}.webp`, cells)
    present.push(cells.map((cell) => cell !== undefined))
    if (style < TRAINING_STYLES) thumbnails.push(cells.map((cell) => thumbnail(premultiply(cell!), CELL)))
    console.error(`${name}: ${cells.filter((cell) => cell !== undefined).length} drawings`)
  }
  const clusters = clusterConcepts(selected, thumbnails)
  const heldOut = heldOutClusters(selected, clusters)
  const concepts = selected.map(
    ({ hex, label, tags, group, subgroup }, i): Omit<Concept, 'index'> => ({
      hex,
      label,
      tags,
      group,
      subgroup,
      cluster: clusters[i]!,
      split: heldOut.has(clusters[i]!) ? 'held-out' : 'train',
      withheld: fnv1a32(hex) % TRAINING_STYLES,
      glossy: present[4]![i]!,
      blob: present[5]![i]!,
    }),
  )
  await writeWhole(
    `${directory}/concepts.json`,
    `[\n${concepts.map((concept) => JSON.stringify(concept)).join(',\n')}\n]\n`,
  )
  await mkdir(`${directory}/../pairs`, { recursive: true })
  for (const [path, content] of await exampleFiles(directory))
    await writeWhole(`${directory}/../${path}`, content)
  await writeSums(directory)
  console.error(
    `${concepts.length} concepts in ${new Set(clusters).size} clusters, ${concepts.filter((concept) => concept.split === 'held-out').length} held out`,
  )
}

await build(process.argv[2] ?? 'packages/twins/data')
