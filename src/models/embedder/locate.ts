/**
 * @file From what a user calls a model to its folders: the contract's, the base checkpoint's, the
 * adapter's.
 */

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../foundation/files/file.ts'
import { isShippedName } from '../../foundation/files/shipped.ts'
import { parseRepository } from '../hub/repository.ts'
import { type ResolveOptions, resolveModel } from '../hub/resolve.ts'
import { CONTRACT, type LocatedContract, readContract } from './contract.ts'

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

const ADAPTER_CONFIG = 'adapter_config.json'

/** Which checkpoint PEFT adapted. */
const adaptedSchema = z.object({
  base_model_name_or_path: z.string().min(1).nullish(),
  revision: z.string().min(1).nullish(),
})

/**
 * Finds, or fetches, a model: a checkpoint folder, a folder with an `embedder.json`, that file, a
 * PEFT adapter folder that names its base, or any of these by its name on the hub. Bases may be
 * names too.
 * @throws EmbedderError `embedder/no-model`; FileError `file/schema`; HubError
 */
export async function locateModel(model: string, options: ResolveOptions = {}): Promise<LocatedModel> {
  const dir = await resolveModel(model, options)
  const adapted = await baseOfAdapter(dir)
  if (adapted !== undefined)
    return { dir, contract: undefined, base: await resolveModel(adapted, options), adapter: dir }
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

/** The base of a folder that holds an adapter and no weights to adapt. */
async function baseOfAdapter(dir: string): Promise<string | undefined> {
  const names = await readdir(dir).catch((): string[] => [])
  const weights = names.some((name) => name.endsWith('.safetensors') && !name.startsWith('adapter_'))
  if (!names.includes(ADAPTER_CONFIG) || names.includes(CONTRACT) || weights) return undefined
  const { base_model_name_or_path: base, revision } = await readJson(join(dir, ADAPTER_CONFIG), adaptedSchema)
  return base ? at(base, existsSync(base) ? undefined : revision) : undefined
}

function at(name: string, revision: string | null | undefined): string {
  return revision && !name.includes('@') ? `${name}@${revision}` : name
}
