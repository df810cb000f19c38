import { expect, test } from 'vitest'
import type { Results } from '../report/results.ts'
import { agreementWords } from './agreement.ts'

const measure = (name: string, direction: 'higher' | 'lower' | 'neither'): Results['measures'][number] => ({
  name,
  label: name.toUpperCase(),
  direction,
  meaning: 'a number',
  source: 'a paper',
})
const row = (model: string, name: string, value: number): Results['alignment'][number] => ({
  model,
  measure: name,
  layer: null,
  interval: { value, low: value - 0.1, high: value + 0.1 },
})

const rows = {
  measures: [
    measure('auc', 'higher'),
    measure('gap', 'lower'),
    measure('cka', 'higher'),
    measure('close', 'higher'),
    measure('rank', 'neither'),
  ],
  alignment: [
    ...[row('a', 'auc', 0.9), row('b', 'auc', 0.5)],
    ...[row('a', 'gap', 0.2), row('b', 'gap', 0.8)],
    ...[row('a', 'cka', 0.1), row('b', 'cka', 0.7)],
    ...[row('a', 'close', 0.5), row('b', 'close', 0.6)],
    ...[row('a', 'rank', 1), row('b', 'rank', 9)],
  ],
}
const [a, b] = [
  { id: 'a', label: 'AR' },
  { id: 'b', label: 'Diffusion' },
]

test('measures with intervals apart agree or disagree, each in its own direction', () => {
  expect(agreementWords([a, b], false, rows)).toEqual([
    'Of 4 alignment measures at the readouts in use: agree with the ranking: AUC, GAP; disagree with it: CKA; 1 cannot tell the two apart.',
  ])
  expect(agreementWords([b, a], false, rows)[0]).toMatch(
    /agree with the ranking: CKA; disagree with it: AUC, GAP/,
  )
})

test('where the scores leave the ranking open, measures are said to favour a model', () => {
  expect(agreementWords([a, b], true, rows)[0]).toMatch(
    /better aligned is the AR by: AUC, GAP; better aligned is the Diffusion by: CKA/,
  )
})

test('without an analysis nothing is said', () => {
  expect(agreementWords([a, b], false, { ...rows, alignment: [] })).toEqual([])
})
