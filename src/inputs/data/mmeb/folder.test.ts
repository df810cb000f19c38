import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Form, parquetOf } from '../../../../test/parquet-files.ts'
import { smallPicture } from '../../../../test/small-picture.ts'
import { zipOf } from '../../../../test/zip-files.ts'
import { readItem } from '../item.ts'
import { openMmeb } from './folder.ts'

const TEXTS: Form = { list: 'text' }

interface Written {
  qry_text: unknown
  qry_img_path: unknown
  tgt_text: unknown
  tgt_img_path: unknown
}

const QUERY = '<|image_1|>\nFind\n'
const row = (change: Partial<Written> = {}): Written => ({
  qry_text: QUERY,
  qry_img_path: 'A/1.bmp',
  tgt_text: ['right', 'wrong'],
  tgt_img_path: ['', ''],
  ...change,
})

/** A folder with one dataset, its pictures unpacked or in an archive. */
function folder(rows: readonly Written[], name = 'OK-VQA', pictures: 'images' | 'zip' = 'images'): string {
  const dir = mkdtempSync(join(tmpdir(), 'bifocal-mmeb-'))
  mkdirSync(join(dir, name))
  mkdirSync(join(dir, 'images/A'), { recursive: true })
  const names = ['A/1.bmp', 'A/2.bmp']
  if (pictures === 'images')
    for (const path of names) writeFileSync(join(dir, 'images', path), smallPicture(path.length))
  else
    writeFileSync(
      join(dir, 'images.zip'),
      zipOf(names.map((path) => ({ name: path, bytes: smallPicture(path.length), method: 8 }))),
    )
  const column = (key: keyof Written, form: Form) => ({ name: key, form, data: rows.map((one) => one[key]) })
  const columns = [
    column('qry_text', 'text'),
    column('qry_img_path', 'text'),
    column('tgt_text', TEXTS),
    column('tgt_img_path', TEXTS),
  ]
  writeFileSync(join(dir, name, 'test-00000-of-00001.parquet'), parquetOf(columns))
  return dir
}

const read = async (dir: string, name = 'OK-VQA', options = {}) => {
  const opened = await openMmeb(dir)
  const dataset = await opened.read(name, options)
  return { dataset, close: opened.close }
}

test.each(['images', 'zip'] as const)(
  'a row is a query and its candidates; pictures from %s',
  async (pictures) => {
    const { dataset, close } = await read(
      folder([row(), row({ tgt_text: ['other', 'wrong'] })], 'OK-VQA', pictures),
    )
    const { test: rows, metaTask, domain, chance } = dataset.task
    expect([metaTask, domain, chance]).toEqual(['vqa', 'in', 0.5])
    expect(rows.map(({ candidates }) => candidates.map(({ text }) => text))).toEqual([
      ['right', 'wrong'],
      ['other', 'wrong'],
    ])
    expect(rows[0]?.query).toBe(rows[1]?.query)
    expect(rows[0]?.candidates[1]).toBe(rows[1]?.candidates[1])
    expect(dataset.unique).toEqual({ queries: 1, candidates: 3, named: 3 })
    expect((await readItem(rows[0]!.query)).pictures[0]?.data[0]).toBe('A/1.bmp'.length)
    await close()
  },
)

test('one picture under two paths is two items of one key', async () => {
  const rows = [row({ tgt_text: ['', ''], tgt_img_path: ['A/1.bmp', 'A/2.bmp'] })]
  rows[0]!.tgt_text = ['<|image_1|>\nThis\n', '<|image_1|>\nThis\n']
  const { dataset, close } = await read(folder(rows, 'CIRR'), 'CIRR')
  const [first, second] = dataset.task.test[0]!.candidates
  expect(first).not.toBe(second)
  expect(first?.key).toBe(second?.key)
  expect(dataset.paths.get(second!)).toBe('A/2.bmp')
  expect(dataset.unique.candidates).toBe(2)
  await close()
})

describe('a row that cannot be scored', () => {
  test.each([
    ['null', { qry_text: null }],
    ['null', { tgt_text: ['right', null] }],
    ['null', { tgt_img_path: null }],
    ['lists-unequal', { tgt_text: ['right'] }],
    ['candidates-empty', { tgt_text: [], tgt_img_path: [] }],
    ['gold-absent', { tgt_text: ['', 'wrong'] }],
    ['query-absent', { qry_text: '', qry_img_path: '' }],
    ['placeholder-count', { qry_text: 'Find' }],
    ['picture-missing', { qry_img_path: 'A/3.bmp' }],
    ['path-outside', { qry_img_path: '..\\A\\1.bmp' }],
    ['path-outside', { qry_img_path: 'file:///etc/x' }],
  ])('%s is told, and the other rows go on', async (kind, change) => {
    const { dataset, close } = await read(folder([row(), row(change), row()]))
    expect(dataset.problems.map((problem) => [problem.row, problem.kind])).toEqual([[1, kind]])
    expect(dataset.task.test.map(({ id }) => id)).toEqual(['0', '2'])
    expect(dataset.total).toBe(3)
    await close()
  })
})

test('rows beyond the limit are not read', async () => {
  const { dataset, close } = await read(folder([row(), row({ qry_text: null })]), 'OK-VQA', { limit: 1 })
  expect([dataset.task.test.length, dataset.problems.length]).toEqual([1, 0])
  await close()
})
