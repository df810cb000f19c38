/**
 * @file Writes golden vectors, and a sketch of every stage before them, beside a contract. `verify`
 * compares with them later.
 */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { extname, isAbsolute, join, relative, resolve } from 'node:path'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import { readPictureFile } from '../../../inputs/media/decode.ts'
import { writeSafetensors } from '../../checkpoint/safetensors.ts'
import { snapshotRepository } from '../../hub/repository.ts'
import { type Contract, checkContract, writeContract } from '../contract.ts'
import { EmbedderError } from '../errors.ts'
import { type LoadOptions, openSubject } from '../subject.ts'
import { embedded, goldenItems, stageName, VECTORS } from './contract.ts'
import { sketchOf } from './sketch.ts'
import { traceItems } from './trace.ts'

const GOLDEN = 'golden.safetensors'

/** In the model's folder. */
const PICTURES = 'golden-pictures'

/**
 * The path of a golden picture from `dir`. A picture that lies elsewhere is copied into the folder,
 * so that the folder can be moved and copied whole; its name is the hash of its bytes.
 */
async function keptPicture(image: string, dir: string): Promise<string> {
  const own = relative(resolve(dir), resolve(image))
  if (!own.startsWith('..') && !isAbsolute(own)) return own
  const bytes = await readPictureFile(image)
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  const name = join(PICTURES, `${hash}${extname(image).toLowerCase()}`)
  await writeFileAtomic(join(dir, name), bytes)
  return name
}

export interface RecordOptions extends LoadOptions {
  /**
   * Largest allowed difference of a vector's element; default 1e-5, enough for another machine's
   * order of additions in f32.
   */
  tolerance?: number
}

/** Pictures by path. */
export type GoldenItem = NonNullable<Contract['golden']>['items'][number]

/**
 * Embeds items and writes `embedder.json` with golden vectors into `dir`; the contract names the
 * model's folders from there.
 * @param dir   is made where it is absent; the model's own folder serves too
 * @throws EmbedderError `embedder/shared-folder`, `embedder/contract`; what `Embedder.load` and
 *   `embed` throw; FileError `file/write`
 * @example await recordGolden('bifocal:twin-ar', [{ text: 'a cat' }], 'my-embedder')
 */
export async function recordGolden(
  path: string,
  items: readonly GoldenItem[],
  dir: string,
  { tolerance = 1e-5, ...options }: RecordOptions = {},
): Promise<Contract> {
  if (snapshotRepository(resolve(dir)) !== undefined) {
    throw new EmbedderError('shared-folder', {
      message: `${dir} lies in the cache of the Hugging Face Hub, which other programs read too`,
      hint: 'Write embedder.json and the golden vectors into a folder of your own (--out DIR).',
    })
  }
  const subject = await openSubject(path, options)
  const placed: GoldenItem[] = []
  for (const { image, ...words } of items)
    placed.push(image === undefined ? words : { ...words, image: await keptPicture(image, dir) })
  const { contract, checkpoint } = subject.encoder
  const { adapterFolder } = subject
  const written = checkContract({
    ...contract,
    // A base by its name on the hub stays a name.
    base: existsSync(resolve(subject.dir, contract.base.path))
      ? { ...contract.base, path: relative(dir, checkpoint.dir) || '.' }
      : contract.base,
    adapter: adapterFolder === undefined ? undefined : relative(dir, adapterFolder) || '.',
    golden: { items: placed, vectors: GOLDEN, tolerance },
  })
  const given = goldenItems({ items: placed }, dir)
  const tensors: Record<string, Tensor> = { [VECTORS]: await embedded(path, given, options) }
  for (const [i, trace] of (await traceItems(subject, given)).entries()) {
    for (const [stage, value] of trace) tensors[stageName(i, stage)] = sketchOf(value)
  }
  await writeSafetensors(join(dir, GOLDEN), tensors)
  await writeContract(dir, written)
  return written
}
