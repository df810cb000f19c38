import { expect, test } from 'vitest'
import { paperRecord, recordedState } from '../../../../test/paper-record.ts'
import { markdownOf } from './markdown.ts'
import { PAPER_PLAN } from './plan.ts'
import { hitsOf } from './record.ts'
import { type PaperRunResult, resultsOf } from './results.ts'

const ROWS = 40
const task = {
  name: 'a',
  metaTask: 'vqa' as const,
  domain: 'in' as const,
  clusters: Array.from({ length: ROWS }, (_, i) => i),
}

/** A run that hits the first rows. */
function run(arm: string, pretraining: number, tuning: number, hits: number): PaperRunResult {
  const own = hitsOf(Array.from({ length: ROWS }, (_, i) => ({ hit1: i < hits ? 1 : 0 })))
  const state = recordedState({ a: own })
  return { ...paperRecord({ arm, pretraining, tuning, untuned: state, tuned: state }), recorded: false }
}
const seeds = [1, 2, 3].flatMap((pretraining) => [7, 8].map((tuning) => [pretraining, tuning] as const))
const arm = (name: string, hits: number) =>
  seeds.map(([first, second]) => run(name, first, second, hits + first + second - 9))
const resultsFor = (runs: PaperRunResult[]) =>
  resultsOf({ command: '', settings: {}, tasks: [task], runs }, [], PAPER_PLAN)

test('the arm of equal compute stands beside the design: its effect is told', () => {
  const runs = [...arm('twin-ar', 30), ...arm('twin-diffusion', 26), ...arm('twin-diffusion-half', 10)]
  const { effects, sentences } = resultsFor(runs)
  const [compute] = effects.tuned
  expect([compute!.equal, compute!.interval.value]).toEqual(['compute', expect.closeTo(20 / ROWS, 9)])
  expect(sentences[0]).toMatch(/^next token − masked diffusion, equal compute, .* \+50\.0 points/)
  expect(effects.untuned.map(({ equal }) => equal)).toContain('compute')
})

test('rows of equal compute are no effects of the design, and paper.md says that these are missing', () => {
  const missing = /^No effect of a factor can be told/m
  const two = [...arm('twin-ar', 30), ...arm('twin-diffusion', 26), ...arm('twin-diffusion-half', 10)]
  expect(markdownOf(resultsFor(two), [])).toMatch(missing)
  const all = [...two, ...arm('twin-ar-discrete', 20), ...arm('twin-discrete', 16)]
  expect(markdownOf(resultsFor(all), [])).not.toMatch(missing)
})

test('without it there is no such row', () => {
  const { effects } = resultsFor([...arm('twin-ar', 30), ...arm('twin-diffusion', 26)])
  expect(effects.tuned).toEqual([])
})
