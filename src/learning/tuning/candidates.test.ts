/** @file Candidates of the trainer's losses: a teacher's margin, and masks that leave few. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { z } from 'zod'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { keyed } from '../../inputs/data/item.ts'
import { memorySource } from '../../inputs/data/pairs/source.ts'
import type { Pair } from '../../inputs/data/task.ts'
import { openSubject } from '../../models/embedder/subject.ts'
import { optimizerSettings, scheduleSettings } from '../training/settings.ts'
import { fixedPlan } from './batches.ts'
import { makeLoss } from './losses/make.ts'
import { lossSettings } from './losses/settings.ts'
import { runTuning } from './run.ts'
import { trainSettings } from './trained/settings.ts'
import { openTrained } from './trained/trained.ts'
import { trainedReadouts, tunableModel } from './tunable.ts'

let dir = ''
let folder = ''
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-teacher-'))
  folder = (await writeRandomTwins(dir)).ar
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const item = (text: string) => keyed({ text })
const words = ['red', 'green', 'blue', 'black']

const scored = words.map((word, i) => ({
  query: item(`the colour ${word}`),
  target: item(word),
  negatives: [item(`not ${word}`), item(`more than ${words[(i + 1) % 4]}`)],
}))

/** One update on four pairs. */
async function update(name: string, pairs: readonly Pair[], given: z.input<typeof lossSettings>) {
  const subject = await openSubject(folder, { threads: 1 })
  const model = tunableModel(subject)
  const warnings: string[] = []
  const candidates: (number | undefined)[] = []
  await runTuning({
    id: 'tiny',
    model,
    modelHash: 'tiny',
    trained: await openTrained(model, trainSettings.parse({ rank: 2 }), 3),
    loss: makeLoss(lossSettings.parse(given)),
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
  const teacher = { target: 0.8, negatives: [0.75, 0.6] }
  const pairs = scored.map((pair) => ({ ...pair, teacher }))
  const { candidates, warnings } = await update('scored', pairs, { margin: { teacher: 0.1 } })
  // Four targets and eight hard negatives, without the first one of the pair.
  expect(candidates).toEqual([11])
  expect(warnings).toEqual([])
})

test('without scores all stay, and a warning says so', async () => {
  const { candidates, warnings } = await update('not scored', scored, { margin: { teacher: 0.1 } })
  expect(candidates).toEqual([12])
  expect(warnings).toEqual([expect.stringContaining("no pair of update 1 has a teacher's scores")])
})

test('a mask that leaves hardly a candidate is told', async () => {
  const pairs = scored.map(({ query }) => ({ query, target: item('colour'), negatives: [] }))
  const { candidates, warnings } = await update('alike', pairs, {})
  expect(candidates).toEqual([1])
  expect(warnings).toEqual([expect.stringContaining('a query has 1.0 candidates on average')])
  expect((await update('kept', pairs, { falseNegatives: 'keep' })).candidates).toEqual([4])
})
