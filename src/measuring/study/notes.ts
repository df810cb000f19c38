/** @file Notes for the reader of a report: readouts, controls, baselines, intervals. */

import type { BootstrapOptions } from '../../foundation/numeric/bootstrap.ts'
import { trainedReadouts } from '../../learning/tuning/tunable.ts'
import { apartScore } from '../benchmark/summary.ts'
import { readoutWords } from '../benchmark/words.ts'
import { percent, percentRange } from '../report/format.ts'
import { finalState, type Outcome } from './outcome.ts'
import type { MeasuredState } from './state.ts'

export function notesOf(
  { setting, studied, world, baselines }: Outcome,
  options: BootstrapOptions,
): string[] {
  const apart = studied.flatMap((each) =>
    finalState(each).scores.tasks.flatMap((scores) => {
      const interval = world.tasks.some(({ name, metaTask }) => name === scores.task && metaTask === 'vqa')
        ? apartScore(scores, options)
        : undefined
      if (interval === undefined) return []
      return [
        `${scores.task}, the right answer against the picture's other one (a coin gives 50 %): ` +
          `${each.label} ${percent(interval.value)} % (95 %: ${percentRange(interval)}).`,
      ]
    }),
  )
  const readouts = studied.flatMap(({ participant: { subject, plain, tuned }, label }) => {
    const trained = trainedReadouts(subject)
    const said = ({ byReadout, readout }: MeasuredState) =>
      Object.entries(byReadout)
        .map(([name, hit1]) => `${readoutWords(trained[name] ?? readout)} ${percent(hit1)} %`)
        .join('; ')
    if (Object.keys(plain.byReadout).length === 1 && tuned === undefined) return []
    const after = tuned === undefined ? '' : `. Tuned: ${said(tuned.state)}`
    return [
      `${label}, mean test hit@1 by readout. As it is: ${said(plain)}${after}. The one in the tables was chosen on dev rows.`,
    ]
  })
  const tuning = !setting.tune
    ? ['Models were scored as they are: this study tuned none.']
    : setting.controls
      ? [
          'Random-decoder control: the same tower and projector, every weight of the decoder drawn at random, then the same tuning.',
        ]
      : ['The random-decoder control was not run here: see `npm run gates` or `bifocal study --plan full`.']
  return [
    ...readouts,
    ...apart,
    ...(studied.length === 0
      ? []
      : [
          ...tuning,
          'Shuffled pictures: each query keeps its words and gets the picture of another query; where ' +
            'only candidates have pictures, those change places.',
        ]),
    ...(baselines.some(({ role }) => role === 'pixels')
      ? [
          'Raw pixels (16 × 16, centred) are scored where query and candidates are pictures; words are not looked at.',
        ]
      : []),
    ...(baselines.some(({ role }) => role === 'dual-encoder')
      ? [
          'Dual encoder: one vector a tower, summed where an item has picture and words; of an instruction it reads the part behind the colon.',
        ]
      : []),
    'Alignment is measured on scenes and objects of contents that no training shows; its curves by layer use mean pooling before the final norm.',
    `Means are over tasks, not rows; intervals (95 %, ${setting.resamples} resamples) draw rows that share a thing together. Differences are paired.`,
  ]
}
