/** @file The training part of the fixture: rows, columns and prompts of MMEB-train. */

import { join } from 'node:path'
import { FileError } from '../../../foundation/files/errors.ts'
import type { DraftItem, DraftPair } from '../../../inputs/data/pairs/draft.ts'
import { openTable } from '../../../inputs/data/pairs/format.ts'
import { mmebReader } from '../../../inputs/data/pairs/mmeb.ts'
import { openPairs } from '../../../inputs/data/pairs/open.ts'
import { dataSettings } from '../../../inputs/data/pairs/settings.ts'
import type { PairSource } from '../../../inputs/data/pairs/source.ts'
import type { PresetName } from '../../../models/embedder/presets.ts'
import type { MmebComparison } from './comparison.ts'
import { type MmebFixture, presetNamed } from './fixture.ts'
import { promptOf } from './prompts.ts'

/** Compares every subset of the training folder. */
export async function compareTrain(
  dir: string,
  { train = {} }: MmebFixture,
  comparison: MmebComparison,
): Promise<void> {
  for (const [subset, { splits }] of Object.entries(train)) {
    const path = `train/${subset}`
    const folder = join(dir, 'train', subset)
    for (const [split, { prompts }] of Object.entries(splits))
      await compareSplit({ folder, subset, split, spellings: Object.keys(prompts) }, comparison)
    const [split = 'original'] = Object.keys(splits)
    const source = await openPairs({ path: folder, split })
    try {
      const at = (own: string) => ({ case: subset, stage: 'train', path: `${path}/${own}` })
      comparison.compare(at('pictures'), await placeOfPictures(source))
      comparison.compare(at('negatives'), (await columnsOf(folder, split)).includes('neg_text'))
      comparison.compare(at('split_train_equals'), await copiedSplit(folder, Object.keys(splits)))
    } finally {
      await source.close()
    }
  }
}

async function compareSplit(
  of: { folder: string; subset: string; split: string; spellings: readonly string[] },
  comparison: MmebComparison,
): Promise<void> {
  const { folder, subset, split, spellings } = of
  const path = `train/${subset}/splits/${split}`
  const at = (own: string) => ({ case: `${subset}, ${split}`, stage: 'train', path: `${path}/${own}` })
  const drafts = await draftsOf(folder, split)
  const rowsWhere = (has: (draft: DraftPair) => boolean) =>
    drafts.flatMap((draft, row) => (has(draft) ? [row] : []))
  comparison.compare(at('columns'), await columnsOf(folder, split))
  comparison.compare(
    at('empty_rows'),
    rowsWhere(({ query, target }) => isAbsent(query) || isAbsent(target)),
  )
  comparison.compare(
    at('rows_with_negative'),
    rowsWhere(({ negatives }) => negatives.length > 0),
  )
  const source = await openPairs({ path: folder, split })
  try {
    comparison.compare(at('rows'), source.rows + source.left.rows)
    // Every picture can be read, in a folder or in its archive.
    for (let row = 0; row < source.rows; row++) {
      const { query, target, negatives } = await source.read(row)
      for (const { image = [] } of [query, target, ...negatives])
        for (const picture of image) await picture.read()
    }
    const absent = rowsWhere(({ query, target }) => isAbsent(query) || isAbsent(target)).length
    comparison.recorder.check(
      { case: `${subset}, ${split}`, stage: 'train' },
      source.left.rows === absent,
      `${source.left.rows} rows are left out, ${absent} have an empty side`,
    )
  } finally {
    await source.close()
  }
  for (const spelling of spellings) {
    const own = at(`prompts/${spelling}`)
    const wanted = comparison.expected(own.path)
    const count = Array.isArray(wanted) ? wanted.length : 0
    const preset = presetNamed(spelling)
    comparison.compare(
      own,
      drafts.slice(0, count).map(({ query, target, negatives: [negative] }) => ({
        qry: sideOf(preset, query),
        pos: sideOf(preset, target),
        neg: sideOf(preset, negative),
      })),
    )
  }
}

/** All rows as they are written, those that are no pairs too. */
async function draftsOf(folder: string, split: string): Promise<DraftPair[]> {
  const table = await openTable(dataSettings.parse({ path: folder, split, format: 'mmeb' }), 'mmeb')
  try {
    const reader = mmebReader(table)
    const drafts: DraftPair[] = []
    for await (const row of table.scan()) if ('record' in row) drafts.push(reader.draft(row.record))
    return drafts
  } finally {
    await table.close()
  }
}

async function columnsOf(folder: string, split: string): Promise<readonly string[]> {
  const table = await openTable(dataSettings.parse({ path: folder, split, format: 'mmeb' }), 'mmeb')
  await table.close()
  return table.columns ?? []
}

function isAbsent({ text = '', pictures }: DraftItem): boolean {
  return text.trim() === '' && pictures.length === 0
}

/** Null for a side that is absent. */
function sideOf(preset: PresetName, item: DraftItem | undefined): string | null {
  return item === undefined || isAbsent(item)
    ? null
    : promptOf(preset, { text: item.text, pictures: item.pictures.length })
}

/** `zip` where the pictures lie in an archive, `tree` where they are files. */
async function placeOfPictures(source: PairSource): Promise<'zip' | 'tree' | undefined> {
  for (let row = 0; row < source.rows; row++) {
    const draft = await source.draft?.(row)
    const [picture] = [draft?.query, draft?.target].flatMap((item) => item?.pictures ?? [])
    if (picture !== undefined) return typeof picture === 'string' ? 'tree' : 'zip'
  }
  return undefined
}

/** The split that the legacy split `train` is a copy of; null where there is none. */
async function copiedSplit(folder: string, splits: readonly string[]): Promise<string | null> {
  const legacy = await fingerprintOf(folder, 'train')
  if (legacy === undefined) return null
  for (const split of splits) if ((await fingerprintOf(folder, split)) === legacy) return split
  return 'none'
}

/** Of the pairs of a split; undefined where the subset has no such split. */
async function fingerprintOf(folder: string, split: string): Promise<string | undefined> {
  try {
    const source = await openPairs({ path: folder, split })
    await source.close()
    return source.fingerprint
  } catch (cause) {
    if (cause instanceof FileError && cause.code === 'file/missing') return undefined
    throw cause
  }
}
