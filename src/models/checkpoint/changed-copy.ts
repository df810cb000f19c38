/**
 * @file Writes a checkpoint again with some weights changed: in the same files, with the same names
 * and dtypes, and with the settings beside them.
 */

import { existsSync } from 'node:fs'
import { copyFile, readdir } from 'node:fs/promises'
import { basename, dirname, extname, isAbsolute, join, relative } from 'node:path'
import { readFailure, writeFailure } from '../../foundation/files/errors.ts'
import { makeFolder, piecesOf, writeFileAtomic } from '../../foundation/files/file.ts'
import { f32ToBf16, f32ToF16, toF32 } from '../../foundation/numeric/float.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { CheckpointError } from './errors.ts'
import type { Checkpoint } from './folder.ts'
import type { TensorLocation } from './header.ts'
import { locate, openSafetensors, safetensorsLayout, tensorBytes } from './safetensors.ts'

export interface ChangedCopyOptions {
  base: Checkpoint
  /** Names, in the files, of the tensors that change. */
  changed: ReadonlySet<string>
  /** The new values of one of them, in its shape. Called for one tensor at a time. */
  valueFor: (name: string) => Promise<Tensor<'f32'>>
  /** Writes over files that the folder has already; default false. */
  replace?: boolean
  onProgress?: (progress: { done: number; total: number }) => void
  signal?: AbortSignal
}

/**
 * Copies the checkpoint into a new folder. config.json comes last, so a folder that has it is
 * whole. Of the other files, the settings, the tokenizer and code are copied; adapters, contracts,
 * cards and weights in other formats are not.
 * @throws CheckpointError `checkpoint/out` when the folder has files already, `checkpoint/overflow`
 *   when a weight does not fit the dtype of the base, `checkpoint/no-tensor`; FileError
 *   `file/disk-full`, `file/write`; InterruptedError
 */
export async function writeChangedCopy(
  dir: string,
  { base, changed, valueFor, replace = false, onProgress, signal }: ChangedCopyOptions,
): Promise<void> {
  if (!replace) await requireEmpty(dir)
  // A second checkpoint that was joined to this one is copied where it lies within its folder; one
  // that lies elsewhere is found from here too.
  const files = base.files.filter((file) => dirname(file) === base.dir)
  for (const name of changed) requireOwn(base, name, files)
  const total = files.length
  for (const [done, file] of files.entries()) {
    onProgress?.({ done, total })
    const { tensors, metadata } = await openSafetensors(file)
    const { header, places } = safetensorsLayout(Object.fromEntries(tensors), metadata)
    const pieces = async function* () {
      yield header
      for (const { name } of places) {
        signal?.throwIfAborted()
        const at = tensors.get(name)!
        if (changed.has(name)) yield* piecesOf(inDtype(at, await valueFor(name)).data)
        else yield* tensorBytes(at)
      }
    }
    await writeFileAtomic(join(dir, basename(file)), pieces())
  }
  onProgress?.({ done: total, total })
  await copyWithin(base, dir)
  await copySettings(base, dir, files)
}

/** The values that a file of this dtype gives back. */
export function inStoredPrecision(value: Tensor<'f32'>, dtype: 'f32' | 'f16' | 'bf16'): Tensor<'f32'> {
  if (dtype === 'f32') return value
  const { dims, data } = value
  return toF32({ dtype, dims, data: dtype === 'f16' ? f32ToF16(data) : f32ToBf16(data) })
}

function inDtype({ name, dtype, dims, file }: TensorLocation, { data }: Tensor<'f32'>): Tensor {
  if (dtype === 'f32') return { dtype, dims, data }
  if (dtype === 'bf16') return { dtype, dims, data: f32ToBf16(data) }
  if (dtype !== 'f16') throw unfit(`${file}: ${name} is ${dtype}, which holds no weights that change`)
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  if (largest < 65520) return { dtype, dims, data: f32ToF16(data) }
  throw unfit(`${file}: the changed ${name} has the value ${largest}, f16 ends at 65504`)
}

function unfit(message: string): CheckpointError {
  return new CheckpointError('overflow', {
    message,
    hint: 'Save the base model in bf16 or f32 and change that one.',
  })
}

/** @throws CheckpointError `checkpoint/no-tensor` for a tensor of a second checkpoint */
function requireOwn({ dir, tensors }: Checkpoint, name: string, files: readonly string[]): void {
  const { file } = locate(tensors, name, dir)
  if (files.includes(file)) return
  throw new CheckpointError('no-tensor', {
    message: `${dir}: the tensor ${name}, which changes, lies in a second checkpoint, ${file}`,
    hint: 'That checkpoint is not written. Run the model with its adapter instead of merging it.',
  })
}

/** @throws CheckpointError `checkpoint/out` */
export async function requireEmpty(dir: string): Promise<void> {
  if (!existsSync(dir)) return
  const names = await readdir(dir).catch((cause: unknown) => {
    throw readFailure(dir, cause)
  })
  if (names.length === 0) return
  throw new CheckpointError('out', {
    message: `${dir} has files already (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`,
    hint: 'Name a new folder, or remove this one.',
  })
}

/** Copies a second checkpoint, whose folder lies within that of the first. */
async function copyWithin({ dir: from, files }: Checkpoint, dir: string): Promise<void> {
  const folders = new Set(files.map((file) => relative(from, dirname(file))))
  try {
    for (const folder of folders) {
      if (folder === '' || folder.startsWith('..') || isAbsolute(folder)) continue
      await makeFolder(join(dir, folder))
      for (const entry of await readdir(join(from, folder), { withFileTypes: true }))
        if (!entry.isDirectory())
          await copyFile(join(from, folder, entry.name), join(dir, folder, entry.name))
    }
  } catch (cause) {
    throw writeFailure(dir, cause)
  }
}

const COPIED = new Set(['.json', '.txt', '.jinja', '.model', '.py', '.tiktoken', ''])
const LEFT_OUT = /^(adapter_|embedder\.json$|tuning\.json$|\.)|\.index\.json$/

async function copySettings(base: Checkpoint, dir: string, files: readonly string[]): Promise<void> {
  const index = base.weights.endsWith('.index.json') ? [basename(base.weights)] : []
  const entries = await readdir(base.dir, { withFileTypes: true }).catch((cause: unknown) => {
    throw readFailure(base.dir, cause)
  })
  const weights = new Set(files.map((file) => basename(file)))
  const names = entries.flatMap((entry) =>
    !entry.isDirectory() &&
    COPIED.has(extname(entry.name)) &&
    !LEFT_OUT.test(entry.name) &&
    !weights.has(entry.name)
      ? [entry.name]
      : [],
  )
  try {
    await makeFolder(dir)
    for (const name of [...names.filter((own) => own !== 'config.json'), ...index, 'config.json'])
      await copyFile(join(base.dir, name), join(dir, name))
  } catch (cause) {
    throw writeFailure(dir, cause)
  }
}
