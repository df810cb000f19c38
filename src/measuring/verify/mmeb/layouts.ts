/** @file Other layouts of the same rows: MMEB-V2's columns, pictures in an archive. */

import { isDeepStrictEqual } from 'node:util'
import { readItem } from '../../../inputs/data/item.ts'
import type { MmebDataset } from '../../../inputs/data/mmeb/dataset.ts'
import type { MmebFolder } from '../../../inputs/data/mmeb/folder.ts'
import { itemsOf } from '../../benchmark/task.ts'
import type { MmebComparison } from './comparison.ts'
import type { SubsetValues } from './subset.ts'
import { embedDataset, type StoringEmbedder, valuesOf } from './values.ts'

/**
 * Compares the datasets of a folder with those that were compared with the reference: items and
 * scores must be the same.
 * @param key of the list in expected.json
 * @param known by name
 */
export async function compareLayout(
  key: 'eval_v2' | 'eval_zip',
  folder: MmebFolder,
  known: ReadonlyMap<string, SubsetValues>,
  embedder: StoringEmbedder,
  comparison: MmebComparison,
): Promise<void> {
  const equal = new Set<string>()
  for (const name of folder.names) {
    const first = known.get(name)
    const dataset = await folder.read(name)
    const at = { case: `${folder.path}, ${name}`, stage: 'other layouts' }
    const same = first !== undefined && isDeepStrictEqual(contentOf(dataset), contentOf(first.dataset))
    comparison.recorder.check(at, same, 'its items differ from those in the layout of MMEB-V1')
    if (!same) continue
    // Equal items have equal vectors; that this layout's pictures can be read is seen by reading.
    for (const item of new Set(itemsOf([dataset.task], 'test'))) await readItem(item)
    const { cosines, scores } = await valuesOf(await embedDataset(embedder, dataset))
    const whole = isDeepStrictEqual([cosines, scores], [first.cosines, first.scores])
    comparison.recorder.check(at, whole, 'its scores differ from those in the layout of MMEB-V1')
    if (whole) equal.add(name)
  }
  const wanted = comparison.expected(key)
  const listed = Array.isArray(wanted) ? wanted.map(String) : []
  const others = [...equal].filter((name) => !listed.includes(name))
  comparison.compare({ case: key, stage: 'other layouts', path: key }, [
    ...listed.filter((name) => equal.has(name)),
    ...others,
  ])
}

/** Texts and hashes of pictures of all rows. */
function contentOf({ task, unique }: MmebDataset): unknown {
  return [
    unique,
    task.test.map(({ id, query, candidates }) => [id, query.key, candidates.map(({ key }) => key)]),
  ]
}
