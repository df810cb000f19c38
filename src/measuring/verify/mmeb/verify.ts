/**
 * @file Verifies a fixture of an evaluation on folders in the layout of MMEB: prompts, vectors,
 * scores and averages, through the code that an evaluation runs.
 * @see specs/vlm2vec-mmeb.md §1–4, §9
 */

import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Device } from '../../../engine/runtime/devices.ts'
import { type MmebFolder, openMmeb } from '../../../inputs/data/mmeb/folder.ts'
import { loadSafetensors } from '../../../models/checkpoint/safetensors.ts'
import { Embedder } from '../../../models/embedder/embedder.ts'
import { VerifyRecorder, type VerifyReport } from '../../../models/embedder/golden/report.ts'
import { averagesOf, macroAverages } from '../../benchmark/averages.ts'
import { MmebComparison } from './comparison.ts'
import { compareDamaged, damagedKey } from './damaged.ts'
import {
  type Damaged,
  expectations,
  type MmebFixture,
  presetNamed,
  readDamaged,
  readMmebFixture,
} from './fixture.ts'
import { compareLayout } from './layouts.ts'
import { compareSubset, type SubsetValues } from './subset.ts'
import { compareTrain } from './train.ts'
import { MemoryStore, metricOf, type StoringEmbedder } from './values.ts'

const LAYOUTS = { eval_v2: 'eval-v2', eval_zip: 'eval-zip' } as const

/**
 * Compares every list of expected.json, every expected vector and every damaged folder. One that is
 * left uncompared is a failure.
 * @throws FileError, CheckpointError, FamilyError when the folder is no fixture; VerifyError
 *   `verify/fixture` for a preset that is not known
 */
export async function verifyMmeb(
  dir: string,
  { device = 'cpu' }: { device?: Device } = {},
): Promise<VerifyReport> {
  const fixture = await readMmebFixture(dir)
  const tensors = await loadSafetensors(join(dir, 'expected.safetensors'))
  const damaged: Damaged | undefined = existsSync(join(dir, 'damaged.json'))
    ? await readDamaged(dir)
    : undefined
  const expected = expectations(fixture)
  const recorder = new VerifyRecorder()
  const comparison = new MmebComparison(recorder, expected)
  const folders = new Folders(dir)
  const embedders = new Map<string, StoringEmbedder>()
  const embedderOf = async (name: string): Promise<StoringEmbedder> => {
    const preset = presetNamed(name)
    const known = embedders.get(preset)
    if (known !== undefined) return known
    const embedder = await Embedder.load(join(dir, fixture.checkpoint), { preset, device, stray: 'keep' })
    const opened = { embedder, store: new MemoryStore() }
    embedders.set(preset, opened)
    return opened
  }
  try {
    for (const [i, preset] of Object.keys(fixture.presets).entries()) {
      const embedder = await embedderOf(preset)
      const values = await comparePreset({ preset, fixture, tensors, embedder, comparison, folders })
      if (i > 0) continue
      for (const [key, name] of Object.entries(LAYOUTS))
        if (expected.has(key) && isLayout(key))
          await compareLayout(key, await folders.open(name), values, embedder, comparison)
    }
    await compareTrain(dir, fixture, comparison)
    if (damaged !== undefined) {
      const embedder = await embedderOf(damaged.preset)
      await compareDamaged(dir, damaged, fixture.tolerance, embedder, comparison)
    }
  } finally {
    for (const { embedder } of embedders.values()) await embedder.close()
    await folders.close()
  }
  const all = [
    ...expected.keys(),
    ...[...tensors.keys()].map((name) => `tensor ${name}`),
    ...(damaged?.cases ?? []).map(({ name }) => damagedKey(name)),
  ]
  return recorder.report(basename(dir), 'bench-mmeb', all)
}

function isLayout(key: string): key is keyof typeof LAYOUTS {
  return key in LAYOUTS
}

/** Datasets and averages of one preset. */
async function comparePreset(
  at: Omit<Parameters<typeof compareSubset>[0], 'preset' | 'name' | 'folder'> & {
    preset: string
    folders: Folders
    fixture: MmebFixture
  },
): Promise<Map<string, SubsetValues>> {
  const { preset, fixture, comparison, folders } = at
  const { folder: said, subsets } = fixture.presets[preset]!
  // "eval-v2 (MSCOCO: eval)": what lies in no folder of its own is read from eval.
  const own = await folders.open(said.split(' ')[0]!)
  const values = new Map<string, SubsetValues>()
  for (const name of Object.keys(subsets)) {
    const folder = own.names.includes(name) ? own : await folders.open('eval')
    values.set(name, await compareSubset({ ...at, preset: presetNamed(preset), name, folder }))
  }
  const averages = macroAverages(
    [...values].map(([name, { dataset, means }]) => ({
      name,
      averages: averagesOf(dataset.subset),
      scores: means,
    })),
  )
  for (const { name, tasks, scores } of averages) {
    const path = `presets/${preset}/averages/${name}`
    const place = (key: string) => ({ case: `${preset}, ${name}`, stage: 'averages', path: `${path}/${key}` })
    for (const key of comparison.below(path))
      comparison.compare(
        { ...place(key), tolerance: fixture.tolerance.metric },
        key === 'subsets' ? tasks : scores[metricOf(key)],
      )
  }
  return values
}

/** Folders of datasets, each opened once. */
class Folders {
  readonly #dir: string
  readonly #opened = new Map<string, Promise<MmebFolder>>()

  constructor(dir: string) {
    this.#dir = dir
  }

  async open(name: string): Promise<MmebFolder> {
    const known = this.#opened.get(name) ?? openMmeb(join(this.#dir, name))
    this.#opened.set(name, known)
    return await known
  }

  async close(): Promise<void> {
    for (const folder of this.#opened.values()) await (await folder.catch(() => undefined))?.close()
  }
}
