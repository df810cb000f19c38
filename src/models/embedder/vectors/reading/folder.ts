/**
 * @file Reads a folder of stored vectors without the model that made them: the chunks say
 * themselves which readouts they hold. Nothing in the folder is changed.
 */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readText } from '../../../../foundation/files/file.ts'
import { InterruptedError } from '../../../../foundation/numeric/errors.ts'
import { openSafetensors } from '../../../checkpoint/safetensors.ts'
import { readKeys, readRows } from '../chunk.ts'
import { damaged, type ReadVectorsOptions, SetCollector, type VectorSet } from './set.ts'

/** A folder of one model's vectors within a store. */
const OF_MODEL = /^[0-9a-f]{24}$/

/**
 * @param path a store that holds one model, or the folder of a model in it
 * @returns ids are the items' keys, labels their texts
 * @throws EmbedderError `embedder/vector-file` for a folder without vectors, of several models, or
 *   without this readout; `embedder/store` for a damaged chunk; FileError
 */
export async function readVectorFolder(
  path: string,
  { name, signal }: ReadVectorsOptions,
): Promise<VectorSet> {
  const folder = await modelFolder(path)
  const files = await readdir(folder)
  const chunks = files
    .filter((file) => file.endsWith('.jsonl') && files.includes(file.replace(/jsonl$/, 'safetensors')))
    .map((file) => file.replace(/\.jsonl$/, ''))
    .sort()
  if (chunks.length === 0) throw damaged(path, 'the folder holds no stored vectors')
  const set = new SetCollector(path)
  const seen = new Set<string>()
  let first: string | undefined
  for (const chunk of chunks) {
    if (signal?.aborted) throw new InterruptedError('reading vectors', signal)
    const form = await formOf(folder, chunk)
    first ??= form.fingerprint
    if (form.fingerprint !== first) throw damaged(folder, `${chunk} holds vectors of another model`)
    const { readouts } = form
    const column = name === undefined ? 0 : readouts.indexOf(name)
    if (column < 0) throw damaged(path, `no readout "${name}": it has ${readouts.join(', ')}`)
    const keys = await readKeys(folder, chunk)
    const labels = await labelsOf(folder, chunk)
    const rows = await readRows(folder, chunk, form, keys.length)
    for (const [row, key] of keys.entries()) {
      // Two machines may have computed an item each: the first chunk by name counts.
      if (seen.has(key)) continue
      const found = { vector: rows[row]![column]!, index: seen.size, id: key, label: labels[row] }
      set.add(found, `item ${key}`)
      seen.add(key)
    }
  }
  return set.finish()
}

async function modelFolder(path: string): Promise<string> {
  const models = (await readdir(path, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && OF_MODEL.test(entry.name))
    .map((entry) => entry.name)
  if (models.length > 1)
    throw damaged(path, `it holds vectors of ${models.length} models; name one: ${models.join(', ')}`)
  return models[0] === undefined ? path : join(path, models[0])
}

/** The form of a chunk, from its own header. */
async function formOf(folder: string, chunk: string) {
  const path = join(folder, `${chunk}.safetensors`)
  const { metadata, tensors } = await openSafetensors(path)
  const { fingerprint, readouts } = metadata
  if (fingerprint === undefined) throw damaged(path, 'it does not name the model of its vectors')
  const named = readouts === undefined ? [...tensors.keys()] : z.array(z.string()).parse(JSON.parse(readouts))
  return { fingerprint, readouts: named }
}

const words = z.object({ instruction: z.string().optional(), text: z.string().optional() })

async function labelsOf(folder: string, chunk: string): Promise<string[]> {
  const lines = (await readText(join(folder, `${chunk}.jsonl`))).split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const { instruction = '', text = instruction } = words.parse(JSON.parse(line))
    return text
  })
}
