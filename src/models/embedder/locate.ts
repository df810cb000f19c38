/**
 * @file From what a user calls a model to its folders: the contract's, the base checkpoint's, the
 * adapter's.
 */

import { existsSync } from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../foundation/files/file.ts'
import { isShippedName } from '../../foundation/files/shipped.ts'
import { ADAPTER_CONFIG } from '../checkpoint/sub-folders.ts'
import { mainWeights } from '../checkpoint/weight-files.ts'
import { HubError } from '../hub/errors.ts'
import { parseRepository } from '../hub/repository.ts'
import { type ResolveOptions, resolveModel } from '../hub/resolve.ts'
import { CONFIG, CONTRACT, type LocatedContract, readContract } from './contract.ts'

export interface LocatedModel {
  /** The folder of the model itself. */
  readonly dir: string
  /** Undefined for a plain checkpoint or adapter. */
  readonly contract: LocatedContract | undefined
  /** The checkpoint folder. */
  readonly base: string
  /** The adapter folder. */
  readonly adapter: string | undefined
}

/** Which checkpoint PEFT adapted. */
const adaptedSchema = z.object({
  base_model_name_or_path: z.string().min(1).nullish(),
  revision: z.string().min(1).nullish(),
})

export interface LocateOptions extends ResolveOptions {
  /** The adapter that the caller names, which is not this room's to find; `none` for no adapter. */
  adapter?: unknown
}

/**
 * Finds, or fetches, a model: a checkpoint folder, a folder with an `embedder.json`, that file, a
 * PEFT adapter folder that names its base, or any of these by its name on the hub. Bases may be
 * names too. An adapter beside the weights of a whole checkpoint is applied to the base that it
 * names, as transformers does, with a warning.
 * @throws EmbedderError `embedder/no-model`; FileError `file/schema`; HubError
 */
export async function locateModel(model: string, options: LocateOptions = {}): Promise<LocatedModel> {
  const dir = await resolveModel(model, options)
  const names = await readdir(dir).catch((): string[] => [])
  const isWhole = names.includes(CONFIG) && mainWeights(names) !== undefined
  if (names.includes(ADAPTER_CONFIG) && !names.includes(CONTRACT)) {
    const found = { dir, contract: undefined, adapter: dir }
    const base = await baseOf(dir)
    if (!isWhole && base !== undefined) return { ...found, base: await resolveModel(base, options) }
    if (isWhole && options.adapter === undefined)
      return { ...found, base: await attachedBase(dir, base, options) }
  }
  const contract = await readContract(dir)
  if (contract === undefined) return { dir, contract, base: dir, adapter: undefined }
  const { path, revision } = contract.contract.base
  const named = isShippedName(path) || parseRepository(path) !== undefined
  const remote = !existsSync(contract.base) && named
  return {
    dir: contract.dir,
    contract,
    base: remote ? await resolveModel(at(path, revision), options) : contract.base,
    adapter: contract.adapter,
  }
}

/**
 * Warns of an adapter that lies in the folder of the model or beside the weights of its base, and
 * is not applied, though transformers would apply it.
 * @param adapter the folder of the adapter that is applied
 */
export async function warnOfIdleAdapter(
  { dir, base }: LocatedModel,
  adapter: string | undefined,
  { adapter: wanted, warn }: LocateOptions,
): Promise<void> {
  if (wanted === 'none') return
  const applied = adapter && (await realpath(adapter))
  for (const folder of new Set([await realpath(dir), await realpath(base)])) {
    const path = join(folder, ADAPTER_CONFIG)
    if (folder === applied || !existsSync(path)) continue
    warn?.(
      `${path}: this adapter is not applied; --adapter ${folder} applies it, --adapter none says that it is not wanted`,
    )
  }
}

/** The base that an adapter names, with its revision. */
async function baseOf(dir: string): Promise<string | undefined> {
  const { base_model_name_or_path: base, revision } = await readJson(join(dir, ADAPTER_CONFIG), adaptedSchema)
  return base ? at(base, existsSync(base) ? undefined : revision) : undefined
}

/**
 * The base of an adapter that lies in the folder of a whole checkpoint. The weights there may be
 * the base's, or may have the adapter merged already: so the named base is preferred.
 */
async function attachedBase(dir: string, base: string | undefined, options: LocateOptions): Promise<string> {
  const found = base === undefined ? undefined : await folderOf(base, options)
  const leave = `--adapter none embeds without it`
  if (found !== undefined) {
    const same = (await realpath(found)) === (await realpath(dir))
    options.warn?.(
      `${join(dir, ADAPTER_CONFIG)}: this adapter is applied to its base model${same ? '' : ` ${base}, not to the weights beside it`}, as transformers does; ${leave}${same ? '' : `, --adapter ${dir} applies it to the weights beside it`}`,
    )
    return found
  }
  options.warn?.(
    `${join(dir, ADAPTER_CONFIG)}: this adapter is applied to the weights beside it, for its base model ${base ?? ''}${base === undefined ? 'has no name' : ' is not there'}; ${leave}, which is right where it was merged into them already`,
  )
  return dir
}

/** Undefined where there is no such folder, and no such name on the hub or no way to it. */
async function folderOf(model: string, options: ResolveOptions): Promise<string | undefined> {
  try {
    const folder = await resolveModel(model, options)
    return existsSync(folder) ? folder : undefined
  } catch (error) {
    if (error instanceof HubError) return undefined
    throw error
  }
}

function at(name: string, revision: string | null | undefined): string {
  return revision && !name.includes('@') ? `${name}@${revision}` : name
}
