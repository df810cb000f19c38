import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { paperRecord, recordedState } from '../../../../test/paper-record.ts'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { TWIN_TRAINING } from '../../../learning/pretraining/recipe.ts'
import { contentHashOf } from '../../../models/embedder/fingerprint.ts'
import { fingerprintParts, openSubject } from '../../../models/embedder/subject.ts'
import { answerLines } from '../../report/factor-words.ts'
import { factorsBeside, otherWeights, shippedFactors } from './shipped.ts'

const folder = mkdtempSync(join(tmpdir(), 'bifocal-shipped-'))
afterAll(() => rmSync(folder, { recursive: true }))

const state = recordedState({ a: '2:8' })
const run = (arm: string, pretraining: number, tuning: number, changed = {}) => ({
  ...paperRecord({ arm, pretraining, tuning, untuned: state, tuned: state, ...changed }),
  recorded: true,
})
const effect = (factors: string[], low: number, high: number, metaTask = 'all', drawn = 'pretraining') => ({
  factors,
  scope: { metaTask, domain: 'all' },
  interval: { value: (low + high) / 2, low, high, freedom: null },
  drawn,
})
const results = {
  schemaVersion: 2,
  command: 'bifocal study --plan paper',
  settings: { version: '1' },
  tasks: [{ name: 'a', metaTask: 'vqa', domain: 'in', clusters: [0, 1] }],
  runs: [
    ...[1, 2].flatMap((seed) => [7, 8].map((tuning) => run('twin-ar', seed, tuning))),
    run('twin-discrete', 1, 7),
    run('twin-discrete', 1, 7, { mask: 'other' }),
    run('twin-ar', 3, 7, { share: 0.5 }),
    run('twin-adapted', 1, 7),
  ],
  effects: {
    tuned: [
      effect(['objective'], -0.01, 0.03),
      effect(['objective'], 0.01, 0.03, 'vqa'),
      effect(['pictures'], 0.1, 0.2),
      effect(['objective', 'pictures'], 0.1, 0.2),
      effect(['mask'], -0.03, -0.01, 'all', 'tuning'),
    ],
    untuned: [effect(['objective'], 0.01, 0.03)],
  },
}

test('without the file: none', async () => {
  expect(await shippedFactors('tuned', join(folder, 'absent'))).toBeUndefined()
})

test('the sentence has the main effects, and what cannot be told', async () => {
  writeFileSync(join(folder, 'paper.json'), JSON.stringify(results))
  const found = await shippedFactors('tuned', folder)
  expect(found?.sentence).toBe(
    'Over seeds and all tasks, tuned alike: next token − masked diffusion, cannot be told (+1.0 points of ' +
      'hit@1; 95 %: −1.0 to +3.0); aligned features − discrete codes, +15.0 points of hit@1 (95 %: +10.0 to ' +
      "+20.0); a model's own mask − the other one, −2.0 points of hit@1 (95 %: −3.0 to −1.0; covers other " +
      'tunings and test rows, not other pretrainings).',
  )
  expect(found?.effects).toHaveLength(6)
  expect((await shippedFactors('untuned', folder))?.sentence).toMatch(/as pretrained: next token .* \+2\.0/)
})

test('the models behind it are those of the design, with their seeds and weights', async () => {
  writeFileSync(join(folder, 'paper.json'), JSON.stringify(results))
  const found = (await shippedFactors('tuned', folder))!
  expect(found.models).toEqual([
    { model: 'twin-ar', pretraining: 1, tunings: [7, 8], hash: 'twin-ar 1' },
    { model: 'twin-ar', pretraining: 2, tunings: [7, 8], hash: 'twin-ar 2' },
    { model: 'twin-discrete', pretraining: 1, tunings: [7], hash: 'twin-discrete 1' },
  ])
  const [first, second, third] = answerLines({ factors: found, finding: { sentence: 'In this run' } })
  expect([first, second]).toEqual([found.sentence, 'In this run'])
  expect(third).toContain(
    'over 1 to 2 pretrainings of each kind of model, 1 to 2 tunings of each pretraining: bifocal study',
  )
  expect(answerLines({ finding: { sentence: 'In this run' } })).toEqual(['In this run'])
})

test('it stands beside studies of shipped twins with one seed, and beside no other', async () => {
  writeFileSync(join(folder, 'paper.json'), JSON.stringify(results))
  const [twin, other] = [{ role: 'twin' }, { role: 'checkpoint' }] as const
  const quick = { name: 'quick', tune: true } as const
  expect((await factorsBeside([twin, twin], quick, folder))?.state).toBe('tuned')
  expect((await factorsBeside([twin, twin], { ...quick, tune: false }, folder))?.state).toBe('untuned')
  for (const models of [[twin], [twin, other]])
    expect(await factorsBeside(models, quick, folder)).toBeUndefined()
  expect(await factorsBeside([twin, twin], { ...quick, name: 'full' }, folder)).toBeUndefined()
})

test('a table without effects says nothing', async () => {
  const empty = { ...results, effects: { tuned: [], untuned: [] } }
  writeFileSync(join(folder, 'paper.json'), JSON.stringify(empty))
  expect(await shippedFactors('tuned', folder)).toBeUndefined()
})

test('effects of equal compute are in the table, by their own name, and not in the sentence', async () => {
  const tuned = [
    effect(['objective'], 0.01, 0.03),
    { ...effect(['objective'], 0.04, 0.06), equal: 'compute' },
  ]
  const runs = [...results.runs, run('twin-diffusion-half', 1, 7)]
  writeFileSync(
    join(folder, 'paper.json'),
    JSON.stringify({ ...results, runs, effects: { ...results.effects, tuned } }),
  )
  const found = (await shippedFactors('tuned', folder))!
  expect(found.sentence).not.toContain('compute')
  expect(found.effects.slice(0, 2).map((one) => one.effect)).toEqual([
    'next token − masked diffusion',
    'next token − masked diffusion, equal compute, aligned features',
  ])
  expect(found.models.at(-1)?.model).toBe('twin-diffusion-half')
})

test('twins of other weights than those behind the shipped results are named', async () => {
  const { ar, diffusion } = await writeRandomTwins(join(folder, 'twins'))
  const { seed } = TWIN_TRAINING
  const model = await contentHashOf(fingerprintParts(await openSubject(ar, { device: 'cpu' })))
  const runs = [
    run('twin-ar', seed, 7, { model }),
    run('twin-ar', seed + 1, 7, { model: 'another' }),
    run('twin-diffusion', seed, 7, { model }),
  ]
  writeFileSync(join(folder, 'paper.json'), JSON.stringify({ ...results, runs }))
  const twins = [
    { name: 'twin-ar', dir: ar },
    { name: 'twin-diffusion', dir: diffusion },
    { name: 'twin-adapted', dir: diffusion },
  ]
  const found = await otherWeights(twins, folder)
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(/^twin-diffusion: .* other weights/)
  expect(await otherWeights(twins, join(folder, 'absent'))).toEqual([])
})
