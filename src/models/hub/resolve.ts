/** @file Finds the folder of a model from the name that a user gives. */

import { existsSync } from 'node:fs'
import { shippedByName } from '../../foundation/files/shipped.ts'
import { cachedRepository, cachedSnapshot } from './cache.ts'
import { HubError } from './errors.ts'
import { type DownloadOptions, pullModel } from './pull.ts'
import { parseRepository } from './repository.ts'
import { hubSettings } from './settings.ts'

export interface ResolveOptions extends DownloadOptions {
  /** Called when the hub fails and an older or unfinished copy is used. */
  warn?: (message: string) => void
}

/** Troubles of the net in which a copy in the cache is used. */
const PASSING = ['hub/unreachable', 'hub/unavailable', 'hub/rate-limit']

/**
 * Finds, or fetches, the folder of a model. The path of a folder is returned unchanged, and so is a
 * text that cannot be a name on the hub: the code that opens it says what is wrong. A model that is
 * whole in the cache is taken from there without a request to the hub (`bifocal pull` brings it up
 * to date). Any other is fetched.
 * @param model a folder, `bifocal:NAME` of a shipped model, `org/name`, or `org/name@revision` with
 *   a branch, tag or commit
 * @throws HubError `hub/offline`, and what `pullModel` throws; FileError `file/no-twins`,
 *   `file/not-shipped`
 * @example const dir = await resolveModel('showlab/magvitv2', { signal, onProgress })
 */
export async function resolveModel(model: string, options: ResolveOptions = {}): Promise<string> {
  if (existsSync(model)) return model
  const own = shippedByName(model)
  if (own !== undefined) return own
  const repository = parseRepository(model)
  if (repository === undefined) return model
  const settings = { ...(await hubSettings()), ...options.settings }
  const cached = await cachedSnapshot(cachedRepository(settings.cache, repository), repository)
  if (cached?.complete || (settings.offline && cached?.usable)) return cached.folder
  if (settings.offline) {
    throw new HubError('offline', {
      message: `${model} is neither a folder nor whole in the cache ${settings.cache}, and HF_HUB_OFFLINE forbids the network`,
      hint: `Where there is a network, run \`bifocal pull ${model}\` and bring the cache here, or unset HF_HUB_OFFLINE.`,
    })
  }
  try {
    return (await pullModel(model, { ...options, settings })).folder
  } catch (error) {
    if (!(error instanceof HubError) || !PASSING.includes(error.code)) throw error
    if (!cached?.usable) throw noFolderEither(model, error)
    options.warn?.(`${error.message}; the copy of ${model} in the cache is used, commit ${cached.commit}`)
    return cached.folder
  }
}

/**
 * Adds to the error that there is no such folder: a misspelt path of two parts looks like a name.
 */
function noFolderEither(model: string, cause: HubError): HubError {
  const message = `there is no folder ${model}, and as a name on the hub: ${cause.message}`
  return new HubError(HubError.codeOf(cause.code) ?? 'no-model', { message, hint: cause.hint, cause })
}
