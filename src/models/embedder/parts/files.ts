/**
 * @file The files of a part: the vectors that one machine of several makes of a list of items.
 * `rows.jsonl` is the whole list, `vectors` holds this machine's chunks of it, and `part.json`,
 * written last, says that all of them are there.
 */

import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { FileError } from '../../../foundation/files/errors.ts'
import { readJson, sizeOfFile, writeFileAtomic } from '../../../foundation/files/file.ts'
import { EmbedderError } from '../errors.ts'

/** Names within the folder of a part. */
export const partFiles = { rows: 'rows.jsonl', part: 'part.json', vectors: 'vectors' } as const

const count = z.int().min(1)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const failureSchema = z.strictObject({ code: z.string(), message: z.string(), hint: z.string() })
const place = { line: count, id: z.string().optional() }

/** A line of the source: its item's key and the fields that are embedded, or why it is bad. */
const rowSchema = z.union([
  z.strictObject({ ...place, key: hash, content: z.string() }),
  z.strictObject({ ...place, error: failureSchema }),
])

const partSchema = z.strictObject({
  schemaVersion: z.literal(1),
  shard: z.strictObject({ index: count, of: count }),
  /** Folder of the model, for messages, and all that decides the vectors. */
  model: z.strictObject({ folder: z.string(), fingerprint: hash, contract: z.string() }),
  readouts: z.array(z.string()).min(1),
  /** Name of the source, for messages. */
  input: z.string(),
  /** Of the rows: see `rowsHash`. */
  rows: hash,
  /** Leading elements to keep, and the form of the merged vectors. */
  dims: count.optional(),
  quantize: z.enum(['int8', 'binary']).optional(),
  /** Items of this part without vectors, by their keys. */
  failures: z.record(hash, failureSchema),
})

export type PartRow = z.infer<typeof rowSchema>
export type Part = z.infer<typeof partSchema>

/** Whether a folder holds a part, or the beginning of one. */
export function isPart(folder: string): boolean {
  return [partFiles.part, partFiles.rows].some((name) => existsSync(join(folder, name)))
}

/** Hash of the rows without messages, which may name paths of one machine. */
export function rowsHash(rows: readonly PartRow[]): string {
  const hash = createHash('sha256')
  for (const row of rows) hash.update(`${identityOf(row)}\n`)
  return hash.digest('hex')
}

/** Equal for rows that say the same. */
export function identityOf(row: PartRow): string {
  return JSON.stringify([row.line, row.id ?? null, 'key' in row ? row.key : row.error.code])
}

/** @throws FileError `file/disk-full`, `file/write` */
export async function writeRows(folder: string, rows: readonly PartRow[]): Promise<void> {
  await writeFileAtomic(join(folder, partFiles.rows), encoded(rows))
}

/** Lines in pieces of about a megabyte: all of them could be longer than a text may be. */
function* encoded(rows: readonly PartRow[]): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  let piece = ''
  for (const row of rows) {
    piece += `${JSON.stringify(row)}\n`
    if (piece.length < 2 ** 20) continue
    yield encoder.encode(piece)
    piece = ''
  }
  yield encoder.encode(piece)
}

/** @throws EmbedderError `embedder/shard` for rows that are damaged; FileError */
export async function readRows(folder: string, expected: string): Promise<PartRow[]> {
  const path = join(folder, partFiles.rows)
  await sizeOfFile(path)
  const rows: PartRow[] = []
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const row = parsed(line)
    if (row === undefined) throw damaged(path, `line ${rows.length + 1} is no row`)
    rows.push(row)
  }
  if (rowsHash(rows) !== expected) throw damaged(path, 'it has changed since it was written')
  return rows
}

function parsed(line: string): PartRow | undefined {
  try {
    return rowSchema.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}

function damaged(path: string, why: string): EmbedderError {
  return new EmbedderError('shard', {
    message: `${path} is damaged: ${why}`,
    hint: 'Start its `bifocal embed … --shard i/n` again: the vectors that are there are kept.',
  })
}

/** @throws FileError `file/disk-full`, `file/write` */
export async function writePart(folder: string, part: Part): Promise<void> {
  const text = JSON.stringify(partSchema.parse(part), undefined, 2)
  await writeFileAtomic(join(folder, partFiles.part), `${text}\n`)
}

/**
 * @throws EmbedderError `embedder/shard` for a folder that is no finished part, and one whose
 *   `part.json` is damaged; FileError `file/schema` for that of another version
 */
export async function readPart(folder: string): Promise<Part> {
  const path = join(folder, partFiles.part)
  if (existsSync(path)) {
    return await readJson(path, partSchema).catch((error: unknown) => {
      if (error instanceof FileError && error.code === 'file/json') throw damaged(path, error.message)
      throw error
    })
  }
  throw new EmbedderError('shard', {
    message: `${folder} is no finished part of a list of vectors: it has no ${partFiles.part}`,
    hint: 'Start its `bifocal embed … --shard i/n` again: it goes on where it stopped.',
  })
}
