/**
 * @file Data sets of the hub as tasks: MMEB-eval and data in the layout of BEIR. Tables are fetched
 * into the cache when their task is opened; an archive of pictures stays where it is.
 */

import { basename } from 'node:path'
import { UsageError } from '../../../foundation/numeric/errors.ts'
import { mmebFolder } from '../../../inputs/data/mmeb/folder.ts'
import { type HubData, openHubData } from '../../../models/hub/data.ts'
import type { DownloadOptions } from '../../../models/hub/pull.ts'
import { datasetSources, type MmebChoice } from './mmeb.ts'
import { beirSource, isBeirLayout, type OwnOptions, type OwnTask } from './own.ts'
import type { TaskSource } from './suite.ts'

const FILE = /^([^/]+)\/test-\d{5}-of-\d{5}\.parquet$/
/** Parts of a data set in the layout of BEIR. */
const PART = /^(queries|corpus|qrels)[./]/

/** Choices of datasets, and what is said of a task. */
export type HubChoice = MmebChoice & Pick<OwnTask, 'instruction' | 'targetInstruction' | 'split'>

/**
 * The tasks of a data set.
 * @param name `org/name`, `org/name@revision`
 * @throws HubError; UsageError `usage/option` for another layout, or a choice that it has not
 */
export async function hubSources(
  name: string,
  choice: HubChoice,
  { warn, signal }: OwnOptions,
  settings?: DownloadOptions['settings'],
): Promise<TaskSource[]> {
  const data = await openHubData(name, { signal, ...(settings && { settings }) })
  if (isBeirLayout(data.files.map((file) => file.split('/')[0]!))) return [beirOnHub(data, choice)]
  const files = new Map<string, string[]>()
  for (const file of data.files) {
    const [, dataset] = FILE.exec(file) ?? []
    if (dataset !== undefined) files.set(dataset, [...(files.get(dataset) ?? []), file])
  }
  if (files.size === 0) throw otherLayout(data)
  const archives = data.files.filter((file) => /^(images|images_zip\/.*|image-tasks\/.*)\.zip$/.test(file))
  if (archives.length === 0 && choice.images === undefined)
    warn?.(
      `${name} has no archive of pictures, such as images.zip: name the folder of its pictures with --images`,
    )
  const path = async (file: string) => `${await data.fetch([file])}/${file}`
  return datasetSources({
    root: name,
    names: [...files.keys()],
    choice,
    open: async () =>
      mmebFolder(name, {
        files: new Map(
          [...files].map(([dataset, own]) => [dataset, () => Promise.all(own.sort().map(path))]),
        ),
        pictures: archives.map((file) => ({ name: `${name}/${file}`, open: () => data.open(file) })),
      }),
  })
}

function beirOnHub(data: HubData, { instruction, targetInstruction, split }: HubChoice): TaskSource {
  const name = basename(data.name.replace(/@.*$/, ''))
  return {
    name,
    suite: 'own',
    open: async (options) => {
      const path = await data.fetch(data.files.filter((file) => PART.test(file)))
      return await beirSource({ path, name, instruction, targetInstruction, split }).open(options)
    },
  }
}

function otherLayout({ name, files }: HubData): UsageError {
  return new UsageError('option', {
    message: `${name} is neither in the layout of MMEB-eval nor in that of BEIR; it has ${files.slice(0, 5).join(', ')}`,
    hint: 'Download its files, and name them with --tasks PATH and --columns.',
  })
}
