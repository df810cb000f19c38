/**
 * @file From the name or path of a model to its folders: the contract's, the base checkpoint's, the
 * adapter's.
 */

import { existsSync } from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { readFailure, systemCode } from '../../foundation/files/errors.ts'
import { readJson } from '../../foundation/files/file.ts'
import { isShippedName } from '../../foundation/files/shipped.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { ADAPTER_CONFIG } from '../checkpoint/sub-folders.ts'
import { mainWeights } from '../checkpoint/weight-files.ts'
import { HubError } from '../hub/errors.ts'
import { parseRepository } from '../hub/repository.ts'
import { type ResolveOptions, resolveModel } from '../hub/resolve.ts'
import { CONFIG, CONTRACT, type LocatedContract, readContract } from './contract.ts'
import { EmbedderError } from './errors.ts'
import { checkpointFingerprint } from './fingerprint.ts'

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

const PROCESSOR = 'preprocessor_config.json'

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
 * @throws EmbedderError `embedder/no-model`, `embedder/base`; FileError `file/schema`; HubError
 */
export async function locateModel(model: string, options: LocateOptions = {}): Promise<LocatedModel> {
  const dir = await resolveModel(model, options)
  const names = await namesIn(dir)
  const isWhole = names.includes(CONFIG) && mainWeights(names) !== undefined
  if (names.includes(ADAPTER_CONFIG) && !names.includes(CONTRACT)) {
    const found = { dir, contract: undefined, adapter: dir }
    const base = await baseOf(dir)
    if (!isWhole && base !== undefined) return { ...found, base: await namedBase(dir, base, options) }
    if (isWhole && options.adapter === undefined)
      return { ...found, base: await attachedBase(dir, base, options) }
  }
  const contract = await readContract(dir)
  if (contract === undefined) return { dir, contract, base: dir, adapter: undefined }
  return {
    dir: contract.dir,
    contract,
    base: await contractBase(contract, options),
    adapter: contract.adapter,
  }
}

/**
 * The checkpoint of a contract: where its path points, by its name, or where the adapter's own
 * config says it is. A folder that was moved has lost the first; where the contract holds a hash,
 * the first one that has it is taken.
 */
async function contractBase(located: LocatedContract, options: ResolveOptions): Promise<string> {
  const { base, contract, adapter, dir } = located
  const { path, revision, sha256 } = contract.base
  const named = isShippedName(path) || parseRepository(path) !== undefined
  if (!existsSync(base) && named) {
    const found = await resolveModel(at(path, revision), options)
    await requireHash(dir, [found], sha256)
    return found
  }
  const told = adapter === undefined ? undefined : (await adaptedIn(adapter))?.base_model_name_or_path
  const tried = [base, ...(told && isAbsolute(told) ? [told] : [])]
  const places = tried.filter((place) => existsSync(join(place, CONFIG)))
  if (places.length === 0) {
    throw new EmbedderError('no-base', {
      message: `${join(dir, CONTRACT)} names the base model ${path}, and there is no checkpoint in ${tried.join(' or in ')}`,
      hint: 'Put the checkpoint there, or name its new place under base.path.',
    })
  }
  if (sha256 === undefined) return places[0]!
  return await requireHash(dir, places, sha256)
}

/** The first folder whose weights have the hash. @throws EmbedderError `embedder/base` */
async function requireHash(
  dir: string,
  places: readonly string[],
  sha256: string | undefined,
): Promise<string> {
  if (sha256 === undefined) return places[0]!
  for (const place of places)
    if ((await checkpointFingerprint(await openCheckpoint(place))) === sha256) return place
  throw new EmbedderError('base', {
    message: `${dir} was made for another base model than the one in ${places.join(' and in ')}: their weights or settings differ`,
    hint: `Put the right checkpoint there, or name it under base.path in ${join(dir, CONTRACT)}.`,
  })
}

/**
 * Warns of picture settings beside an adapter that differ from those beside the base's weights:
 * pictures are prepared as the base's say.
 */
export async function warnOfOwnProcessor(
  base: string,
  adapter: string | undefined,
  { warn }: LocateOptions,
): Promise<void> {
  if (adapter === undefined) return
  const [own, used] = [join(adapter, PROCESSOR), join(base, PROCESSOR)]
  // An adapter that is not there is refused where it is read.
  if (!existsSync(own) || (await realpath(adapter)) === (await realpath(base))) return
  const before = existsSync(used) ? await readJson(used, z.unknown()) : undefined
  if (isDeepStrictEqual(await readJson(own, z.unknown()), before)) return
  warn?.(
    `${own} is not read: pictures are prepared as ${used} says, which differs; put the file in its place`,
  )
}

async function adaptedIn(dir: string): Promise<z.infer<typeof adaptedSchema> | undefined> {
  const file = join(dir, ADAPTER_CONFIG)
  return existsSync(file) ? await readJson(file, adaptedSchema) : undefined
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
  // An adapter that is not there is refused where it is read.
  const applied = adapter && (await realpath(adapter).catch(() => adapter))
  for (const folder of new Set([await realpath(dir), await realpath(base)])) {
    const path = join(folder, ADAPTER_CONFIG)
    if (folder === applied || !existsSync(path)) continue
    warn?.(
      `${path}: this adapter is not applied; --adapter ${folder} applies it, --adapter none says that it is not wanted`,
    )
  }
}

/** Names of the files in a folder; none where there is no folder. */
async function namesIn(dir: string): Promise<string[]> {
  return await readdir(dir).catch((cause: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '')) return []
    throw readFailure(dir, cause)
  })
}

/** The base that an adapter names, with its revision. */
async function baseOf(dir: string): Promise<string | undefined> {
  const { base_model_name_or_path: base, revision } = await readJson(join(dir, ADAPTER_CONFIG), adaptedSchema)
  return base ? at(base, existsSync(base) ? undefined : revision) : undefined
}

/** The folder of the base that an adapter names. @throws EmbedderError `embedder/base`; HubError */
async function namedBase(dir: string, base: string, options: ResolveOptions): Promise<string> {
  const folder = await resolveModel(base, options)
  if (existsSync(folder)) return folder
  throw new EmbedderError('base', {
    message: `${join(dir, ADAPTER_CONFIG)} names the base model ${base}, which is not there`,
    hint: `Give the folder or the name of the base model, and this adapter with --adapter ${dir}.`,
  })
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
