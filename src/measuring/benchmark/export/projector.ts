/**
 * @file The files of TensorFlow's embedding projector: `vectors.tsv`, `metadata.tsv`, `sprite.png`
 * where the run keeps small pictures, and `projector_config.json`.
 * @see https://projector.tensorflow.org
 */

import { join } from 'node:path'
import sharp from 'sharp'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import type { RunOperand } from '../comparison/operands.ts'
import { storedItems } from './ranked-lists.ts'

/** Pixels of the largest sprite that the projector takes, and of one picture in it. */
const SPRITE = 8192
const TILE = 64

interface Point {
  readonly key: string
  readonly task: string
  readonly side: 'query' | 'gold'
  readonly text: string
  readonly picture: string | undefined
  readonly hit: string
}

/**
 * Writes queries and right candidates of all tasks, each item once.
 * @returns the folder and the number of its points
 * @throws BenchmarkError `benchmark/no-vectors`; FileError
 */
export async function exportProjector(operand: RunOperand, out: string): Promise<{ points: number }> {
  const { run, model } = operand
  const points = new Map<string, Point>()
  const vectors = new Map<string, Float32Array>()
  for (const { task, rows } of (await run.scores(model.id)).tasks) {
    const { test } = await run.task(model.id, task)
    const { vectorOf } = await storedItems(operand, test)
    const { rows: shown, pictures } = await run.shown(task)
    const byId = new Map(shown.map((row) => [row.id, row]))
    for (const [i, row] of test.entries()) {
      const seen = byId.get(row.id)
      const items = [
        ['query', row.query.key, seen?.query, rows[i]!.hit1 > 0.5 ? 'hit' : 'miss'],
        ['gold', row.candidates[row.positive]!.key, seen?.gold, ''],
      ] as const
      for (const [side, key, of, hit] of items) {
        if (points.has(key)) continue
        const picture = of?.picture === undefined ? undefined : pictures[of.picture]
        points.set(key, { key, task, side, text: of?.text ?? '', picture, hit })
        vectors.set(key, vectorOf(key))
      }
    }
  }
  const all = [...points.values()]
  const pieces = function* () {
    const encoder = new TextEncoder()
    for (const { key } of all) yield encoder.encode(`${vectors.get(key)!.join('\t')}\n`)
  }
  await writeFileAtomic(join(out, 'vectors.tsv'), pieces())
  const lines = all.map(({ key, task, side, text, hit }) => [task, side, hit, plain(text), key].join('\t'))
  const head = ['task', 'side', 'result', 'text', 'key'].join('\t')
  await writeFileAtomic(join(out, 'metadata.tsv'), `${[head, ...lines].join('\n')}\n`)
  const tile = await writeSprite(
    join(out, 'sprite.png'),
    all.map(({ picture }) => picture),
  )
  const embedding = {
    tensorName: model.label,
    tensorShape: [all.length, vectors.get(all[0]?.key ?? '')?.length ?? 0],
    tensorPath: 'vectors.tsv',
    metadataPath: 'metadata.tsv',
    ...(tile !== undefined && { sprite: { imagePath: 'sprite.png', singleImageDim: [tile, tile] } }),
  }
  const config = JSON.stringify({ embeddings: [embedding] }, undefined, 2)
  await writeFileAtomic(join(out, 'projector_config.json'), `${config}\n`)
  return { points: all.length }
}

/** The projector splits cells at tabs and rows at line breaks. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}

/**
 * One picture a point, row by row; a white tile for a point without one.
 * @returns the side of a tile; undefined where no point has a picture
 */
async function writeSprite(
  path: string,
  pictures: readonly (string | undefined)[],
): Promise<number | undefined> {
  if (pictures.every((picture) => picture === undefined)) return undefined
  const across = Math.ceil(Math.sqrt(pictures.length))
  const tile = Math.max(1, Math.min(TILE, Math.floor(SPRITE / across)))
  const background = { r: 255, g: 255, b: 255 }
  const side = across * tile
  const pixels = new Uint8Array(side * side * 3).fill(255)
  for (const [i, picture] of pictures.entries()) {
    if (picture === undefined) continue
    const bytes = Buffer.from(picture.slice(picture.indexOf(',') + 1), 'base64')
    const resized = sharp(bytes).flatten({ background }).resize(tile, tile, { fit: 'contain', background })
    const small = await resized.toColourspace('srgb').raw().toBuffer()
    const [left, top] = [(i % across) * tile, Math.floor(i / across) * tile]
    for (let row = 0; row < tile; row++) {
      const line = small.subarray(row * tile * 3, (row + 1) * tile * 3)
      pixels.set(line, ((top + row) * side + left) * 3)
    }
  }
  const image = sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
  await writeFileAtomic(path, await image.png().toBuffer())
  return tile
}
