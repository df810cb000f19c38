/** @file Datasets of a folder in the layout of MMEB-eval or MMEB-V2 as tasks. */

import { readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { UsageError } from '../../../foundation/numeric/errors.ts'
import { suggestion } from '../../../foundation/numeric/suggestion.ts'
import { type MmebDataset, withoutItems } from '../../../inputs/data/mmeb/dataset.ts'
import { type MmebFolder, openMmeb } from '../../../inputs/data/mmeb/folder.ts'
import { subsetOf } from '../../../inputs/data/mmeb/subsets.ts'
import { AVERAGES, averagesOf } from '../averages.ts'
import { PUBLISHED_ORDER, publishedFor } from './published.ts'
import type { OpenTask, TaskSource } from './suite.ts'

export interface MmebChoice {
  /** Names of datasets, of averages (`CLS`, `IND`) or of meta-tasks (`vqa`); default: all. */
  readonly subsets?: readonly string[]
  /** Folder or zip archive of the pictures; default: the usual places in the folder. */
  readonly images?: string
}

const FILE = /^test-\d{5}-of-\d{5}\.parquet$/

/** Whether a folder holds the rows of a dataset. */
async function isDataset(path: string): Promise<boolean> {
  return (await readdir(path).catch(() => [])).some((name) => FILE.test(name))
}

/**
 * The datasets of a folder, in the order of the published tables; others behind them.
 * @param path of the folder, or of one dataset in it
 * @throws FileError `file/missing` for a folder without datasets; UsageError `usage/option` for a
 *   choice that names none
 */
export async function mmebSources(
  path: string,
  { subsets = [], images }: MmebChoice = {},
): Promise<TaskSource[]> {
  const alone = await isDataset(path)
  const root = alone ? dirname(path) : path
  const folder = await openMmeb(root)
  await folder.close()
  return datasetSources({
    root,
    names: folder.names,
    choice: { subsets: alone ? [basename(path)] : subsets, images },
    open: () => openMmeb(root),
  })
}

/** Datasets that can be opened again and again. */
export interface Datasets {
  /** For messages. */
  readonly root: string
  readonly names: readonly string[]
  readonly choice: MmebChoice
  open(): Promise<MmebFolder>
}

/** Tasks of the datasets that are chosen. @throws UsageError `usage/option` */
export function datasetSources({ root, names, choice, open: openFolder }: Datasets): TaskSource[] {
  const { subsets = [], images } = choice
  const rank = (name: string) =>
    PUBLISHED_ORDER.includes(name) ? PUBLISHED_ORDER.indexOf(name) : PUBLISHED_ORDER.length
  const all = names.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return chosenOf(all, subsets, root).map((name) => ({
    name,
    suite: 'mmeb',
    async open({ limit, stray, imageToken, strict } = {}) {
      // Each task has its own archives, which are closed with it.
      const opened = await openFolder()
      try {
        const dataset = await opened.read(name, { images, limit, stray, imageToken, strict })
        return openDataset(dataset, () => opened.close())
      } catch (cause) {
        await opened.close()
        throw cause
      }
    },
  }))
}

function openDataset(dataset: MmebDataset, close: () => Promise<void>): OpenTask {
  const { name, task, subset, total, problems } = dataset
  return {
    task,
    averages: averagesOf(subset),
    published: publishedFor(name),
    problems: problems.map(({ error, row, ...place }) => ({
      ...place,
      row: row === null ? null : String(row),
      message: error.message,
    })),
    total,
    without: (failures) => openDataset(withoutItems(dataset, failures), close),
    close,
  }
}

function chosenOf(all: readonly string[], subsets: readonly string[], root: string): string[] {
  if (subsets.length === 0) return [...all]
  const wanted = new Set(subsets.flatMap((word) => namedBy(word, all, root)))
  return all.filter((name) => wanted.has(name))
}

function namedBy(word: string, all: readonly string[], root: string): string[] {
  if (all.includes(word)) return [word]
  const found = all.filter((name) => {
    const subset = subsetOf(name)
    const groups: readonly string[] = [...averagesOf(subset), ...(subset.averaged ? [subset.metaTask] : [])]
    return groups.some((group) => group.toLowerCase() === word.toLowerCase())
  })
  if (found.length > 0) return found
  const groups = [...AVERAGES, 'classification', 'retrieval', 'grounding']
  const meant = suggestion(word, [...all, ...groups])
  throw new UsageError('option', {
    message: `${root} has no dataset ${word}; its datasets are ${all.join(', ')}`,
    hint:
      meant === undefined
        ? `Name datasets, or one of the groups ${groups.join(', ')}.`
        : `Did you mean "${meant}"?`,
  })
}
