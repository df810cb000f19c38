/**
 * @file Fixture folders as they lie in the repository. Weights hardly compress byte by byte, but
 * their exponents do: a safetensors file is stored as its first bytes of every four, then its
 * second bytes and so on, compressed by Brotli (`NAME.br`). A file that equals one stored before is
 * a note with the path of that one (`NAME.same`). All other files are stored as they are.
 */

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'

const PACKED = '.br'
const SAME = '.same'
/** Bytes of a float; 16-bit floats compress about as well by fours. */
const WIDTH = 4
/** Smaller files are stored again: a note would be no smaller. */
const LEAST = 256

/** Every file below a folder by its path there, sorted. */
export function filesBelow(dir: string): Map<string, Buffer> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  return new Map(names.map((path) => [path.slice(dir.length + 1), readFileSync(path)]))
}

/**
 * Packs files into `root/name`.
 * @param stored hash → path below `root` of what was stored before; added to
 */
export function packFolder(
  root: string,
  name: string,
  files: ReadonlyMap<string, Uint8Array>,
  stored: Map<string, string>,
): void {
  for (const [file, bytes] of files) {
    const own = `${name}/${file}`
    const hash = createHash('sha256').update(bytes).digest('hex')
    const before = bytes.length < LEAST ? undefined : stored.get(hash)
    mkdirSync(dirname(join(root, own)), { recursive: true })
    if (before !== undefined) writeFileSync(join(root, own + SAME), `${before}\n`)
    else if (file.endsWith('.safetensors')) writeFileSync(join(root, own + PACKED), packed(bytes))
    else writeFileSync(join(root, own), bytes)
    if (before === undefined) stored.set(hash, own)
  }
}

/** The files of a packed folder by their own names. */
export function unpackedFiles(root: string, name: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const [file, bytes] of filesBelow(join(root, name))) {
    if (file.endsWith(PACKED)) files.set(file.slice(0, -PACKED.length), unpacked(bytes))
    else if (file.endsWith(SAME))
      files.set(file.slice(0, -SAME.length), readStored(root, bytes.toString().trim()))
    else files.set(file, bytes)
  }
  return files
}

/**
 * Unpacks `root/name` to `to`, unless it was unpacked before: other processes see the whole folder
 * or none.
 */
export function unpackFolder(root: string, name: string, to: string): void {
  if (existsSync(to)) return
  mkdirSync(dirname(to), { recursive: true })
  const temporary = mkdtempSync(`${to}-`)
  for (const [file, bytes] of unpackedFiles(root, name)) {
    mkdirSync(dirname(join(temporary, file)), { recursive: true })
    writeFileSync(join(temporary, file), bytes)
  }
  try {
    renameSync(temporary, to)
  } catch (error) {
    rmSync(temporary, { recursive: true })
    // Another process was faster.
    if (!existsSync(to)) throw error
  }
}

function readStored(root: string, path: string): Uint8Array {
  return path.endsWith('.safetensors')
    ? unpacked(readFileSync(join(root, path + PACKED)))
    : readFileSync(join(root, path))
}

function packed(bytes: Uint8Array): Buffer {
  const planes = Buffer.alloc(bytes.length)
  let at = 0
  for (let plane = 0; plane < WIDTH; plane++)
    for (let i = plane; i < bytes.length; i += WIDTH) planes[at++] = bytes[i]!
  const params = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
  return brotliCompressSync(planes, { params })
}

function unpacked(bytes: Uint8Array): Buffer {
  const planes = brotliDecompressSync(bytes)
  const whole = Buffer.alloc(planes.length)
  let at = 0
  for (let plane = 0; plane < WIDTH; plane++)
    for (let i = plane; i < planes.length; i += WIDTH) whole[i] = planes[at++]!
  return whole
}
