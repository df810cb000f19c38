/** @file The margin against a teacher's scores, through the trainer. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { keyed } from '../../../inputs/data/item.ts'
import { memorySource } from '../../../inputs/data/pairs/source.ts'
import type { Pair } from '../../../inputs/data/task.ts'
import { openSubject } from '../../../models/embedder/subject.ts'
import { optimizerSettings, scheduleSettings } from '../../training/settings.ts'
import { fixedPlan } from '../batches.ts'
import { runTuning } from '../run.ts'
import { trainSettings } from '../trained/settings.ts'
import { openTrained } from '../trained/trained.ts'
import { trainedReadouts, tunableModel } from '../tunable.ts'
import { makeLoss } from './make.ts'
import { lossSettings } from './settings.ts'

let dir = ''
let folder = ''
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-teacher-'))
  folder = (await writeRandomTwins(dir)).ar
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const item = (text: string) => keyed({ text })
const words = ['red', 'green', 'blue', 'black']

/** One update on four pairs with two hard negatives each. */
async function update(name: string, teacher: Pair['teacher']) {
  const subject = await openSubject(folder, { threads: 1 })
  const model = tunableModel(subject)
  const pairs = words.map((word, i) => ({
    query: item(`the colour ${word}`),
    target: item(word),
    negatives: [item(`not ${word}`), item(`more than ${words[(i + 1) % 4]}`)],
    teacher,
  }))
  const warnings: string[] = []
  const candidates: (number | undefined)[] = []
  await runTuning({
    id: 'tiny',
    model,
    modelHash: 'tiny',
    trained: await openTrained(model, trainSettings.parse({ rank: 2 }), 3),
    loss: makeLoss(lossSettings.parse({ margin: { teacher: 0.1 } })),
    readouts: trainedReadouts(subject),
    sources: [memorySource('colours', pairs)],
    plan: fixedPlan([[words.map((_, row) => ({ source: 'colours', row }))]]),
    updates: 1,
    optimizer: optimizerSettings.parse({}),
    schedule: scheduleSettings.parse({}),
    settings: {},
    dir: join(dir, name),
    threads: 1,
    onUpdate: ({ metrics }) => candidates.push(metrics.candidates),
    warn: (message) => warnings.push(message),
  })
  return { candidates, warnings }
}

test('a hard negative that a teacher finds near the target leaves its own query only', async () => {
  const { candidates, warnings } = await update('scored', { target: 0.8, negatives: [0.75, 0.6] })
  // Four targets and eight hard negatives, without the first one of the pair.
  expect(candidates).toEqual([11])
  expect(warnings).toEqual([])
})

test('without scores all stay, and a warning says so', async () => {
  const { candidates, warnings } = await update('not scored', undefined)
  expect(candidates).toEqual([12])
  expect(warnings).toEqual([expect.stringContaining("no pair of update 1 has a teacher's scores")])
})
