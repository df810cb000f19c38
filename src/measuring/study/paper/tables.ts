/** @file Scores of the plan `paper` by kind of model, and by the share of training rows. */

import { mean } from '../../../foundation/numeric/statistics.ts'
import { percent } from '../../report/format.ts'
import { type PaperRecord, scoreOf } from './record.ts'
import type { PaperRunResult } from './results.ts'

/** Means over runs, and the range of the means of pretrainings, as a Markdown table. */
export function armMarkdown(runs: readonly PaperRecord[]): string {
  const whole = runs.filter(({ share, condition }) => share === 1 && condition === 'plain')
  const kinds = groups(whole, ({ arm, mask }) => `${arm} | ${mask === 'native' ? 'own' : 'other'}`)
  const rows = [...kinds].map(([kind, own]) => {
    const seeds = [...groups(own, ({ pretraining }) => String(pretraining)).values()]
    const cell = (state: 'untuned' | 'tuned') => {
      const each = seeds.map((seed) => mean(seed.map((run) => scoreOf(run[state]))))
      const range = `${percent(Math.min(...each))} to ${percent(Math.max(...each))}`
      return `${percent(mean(each))} %${each.length > 1 ? ` (${range})` : ''}`
    }
    return `| ${kind} | ${seeds.length} | ${own.length} | ${cell('untuned')} | ${cell('tuned')} |`
  })
  return [
    'Mean hit@1 over all tasks; in brackets the range of the pretrainings.',
    '',
    '| model | mask | pretrainings | tunings in all | as pretrained | tuned |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** One pretraining and one tuning: a curve for a look, no finding. */
export function curveMarkdown(runs: readonly PaperRecord[]): string {
  const curve = runs.filter(({ share }) => share < 1)
  const shares = [...new Set(curve.map(({ share }) => share))].sort((a, b) => a - b)
  const rows = [...groups(curve, ({ arm }) => arm)].map(([arm, own]) => {
    const first = own[0]!
    const isWhole = (run: PaperRecord) =>
      run.arm === arm &&
      run.share === 1 &&
      run.mask === 'native' &&
      run.condition === 'plain' &&
      run.pretraining === first.pretraining &&
      run.tuning === first.tuning
    const cells = [...shares.map((share) => own.find((run) => run.share === share)), runs.find(isWhole)]
    const scores = cells.map((run) => (run === undefined ? '' : `${percent(scoreOf(run.tuned))} %`))
    return `| ${arm} | ${scores.join(' | ')} |`
  })
  return [
    'Mean hit@1 over all tasks, tuned on a share of the training rows; one pretraining, one tuning.',
    '',
    `| model | ${[...shares, 1].map((share) => `${100 * share} %`).join(' | ')} |`,
    `|---|${[...shares, 1].map(() => '---|').join('')}`,
    ...rows,
  ].join('\n')
}

/** The weights behind the runs of each pretrained model, as it is read out under its own mask. */
export function weightsMarkdown(runs: readonly PaperRunResult[]): string {
  const own = runs.filter(({ mask, condition }) => mask === 'native' && condition === 'plain')
  const models = groups(own, ({ arm, pretraining }) => `${arm} | ${pretraining}`)
  return [
    '| model | seed | hash | runs |',
    '|---|---|---|---|',
    ...[...models].map(([model, [first]]) => {
      const from = first!.recorded ? 'recorded' : 'made here'
      return `| ${model} | \`${first!.model.slice(0, 16)}\` | ${from} |`
    }),
  ].join('\n')
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>()
  for (const item of items) found.set(keyOf(item), [...(found.get(keyOf(item)) ?? []), item])
  return found
}
