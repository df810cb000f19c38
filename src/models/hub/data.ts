/**
 * @file Data sets of the hub: their files by name, read by ranges where they lie, or fetched whole
 * into the cache that Python shares.
 */

import { join } from 'node:path'
import type { ByteSource } from '../../foundation/files/byte-source.ts'
import { cachedRepository } from './cache.ts'
import { HubError } from './errors.ts'
import { keptRanges } from './kept-ranges.ts'
import { describe, listFiles } from './listing.ts'
import { type DownloadOptions, pullFiles } from './pull.ts'
import { rangeSource } from './range-source.ts'
import { type Repository, requireRepository } from './repository.ts'
import { hubSettings } from './settings.ts'

/** A data set at a commit. */
export interface HubData {
  /** `org/name`, with a revision where one was named. */
  readonly name: string
  readonly commit: string
  /** Names of all files. */
  readonly files: readonly string[]
  /**
   * Opens a file without fetching it: a range is asked for when it is first read, and kept.
   * @throws HubError
   */
  open(file: string): Promise<ByteSource>
  /**
   * Fetches files into the cache; those that are there are not fetched again.
   * @returns the folder of the snapshot
   * @throws HubError; FileError; InterruptedError
   */
  fetch(files: readonly string[]): Promise<string>
}

/**
 * Asks the hub for the files of a data set.
 * @param name `org/name`, `org/name@revision`
 * @throws HubError `hub/name`, `hub/offline`, `hub/no-repository` and the others of a request
 * @example const data = await openHubData('TIGER-Lab/MMEB-eval'); data.files.length
 */
export async function openHubData(name: string, options: DownloadOptions = {}): Promise<HubData> {
  const wanted: Repository = { ...requireRepository(name), kind: 'dataset' }
  const settings = { ...(await hubSettings()), ...options.settings }
  if (settings.offline) {
    throw new HubError('offline', {
      message: `the data set ${name} can't be read: HF_HUB_OFFLINE forbids the network`,
      hint: 'Unset HF_HUB_OFFLINE, or name a folder on this machine.',
    })
  }
  const { signal } = options
  const listing = await listFiles(wanted, { settings, signal })
  const repository = { ...wanted, revision: listing.commit }
  return {
    name,
    commit: listing.commit,
    files: listing.files.map((file) => file.name),
    open: async (file) => {
      const listed = listing.files.find((one) => one.name === file) ?? { name: file }
      const found = await describe(listed, repository, { settings, signal })
      const { folder } = cachedRepository(settings.cache, repository)
      return keptRanges(
        rangeSource(found, repository, { settings, signal }),
        join(folder, 'ranges', found.digest),
      )
    },
    fetch: async (files) => {
      const chosen = listing.files.filter((file) => files.includes(file.name))
      return (await pullFiles(chosen, { wanted, commit: listing.commit }, { ...options, settings })).folder
    },
  }
}
