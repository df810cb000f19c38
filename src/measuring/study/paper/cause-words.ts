/**
 * @file The three tests of alignment in words and tables. Nothing is claimed whose interval holds
 * zero.
 */

import { mean } from '../../../foundation/numeric/statistics.ts'
import { type MeasureName, measureNames, measures } from '../../analysis/measures.ts'
import type { PredictionRow } from '../../analysis/prediction.ts'
import { points, pointsRange } from '../../report/format.ts'
import type { Causes, Change, Prediction, PredictionSet, State } from './cause.ts'
import { groupBy } from './draws.ts'
import type { ChangedGap } from './gaps.ts'
import type { PaperRecord } from './record.ts'
import { PAPER_REMEDIES } from './remedies.ts'
import { COVERS } from './words.ts'

/** The two that the question is about: distance of the means, and what is left without it. */
const CENTROID_AND_DISTRIBUTION = ['modalityGap', 'distributionGap'] as const satisfies MeasureName[]

const SETS: { readonly [S in PredictionSet]: string } = {
  untuned: 'over models as pretrained',
  tuned: 'over tuned models',
  'within-layers': 'over models, layer by layer',
  'across-layers': 'over the layers of each model',
}

const how = (state: State) => (state === 'tuned' ? 'tuned alike' : 'as pretrained')
const isTold = ({ low, high }: { low: number; high: number }) => low > 0 || high < 0
const labelOf = (measure: string) =>
  measureNames.flatMap((name) => (name === measure ? [measures[name].label] : []))[0] ?? measure
const digits = (value: number) => (value < 0 ? '−' : '') + Math.abs(value).toFixed(2)

/** Each with its interval; one that cannot be told says so. */
export function causeSentences({ prediction, intervention, substitution, remedies }: Causes): string[] {
  return [
    ...prediction.flatMap(predictionWords),
    ...changeWords(substitution, {
      left: 'with captions instead of pictures',
      closed: "the picture side's part",
    }),
    ...changeWords(intervention, {
      left: 'after a stage of alignment',
      closed: 'the part that the stage closes',
    }),
    ...remedies.flatMap(({ remedy, ...change }) => {
      const label = remedyLabel(remedy)
      return changeWords([change], { left: `with vectors ${label}`, closed: 'the part that this recovers' })
    }),
  ]
}

function predictionWords({ set, models, rows }: Prediction): string[] {
  const asked = rows.filter(({ measure }) => CENTROID_AND_DISTRIBUTION.some((name) => name === measure))
  const others = rows.filter((row) => !asked.includes(row))
  const told = others.filter(({ verdict }) => verdict === 'predicts')
  const named = told.map((row) => `${labelOf(row.measure)} (${correlationWords(row)})`)
  const found = named.length === 0 ? 'none can be told' : named.join('; ')
  const counted = `${models} models, ${rows.length} measures`
  return [
    ...asked.map((row) => `${labelOf(row.measure)} and hit@1, ${SETS[set]}: ${correlationWords(row)}.`),
    ...(others.length === 0
      ? []
      : [`Other measures that predict hit@1, ${SETS[set]} (${counted}, adjusted by Holm): ${found}.`]),
  ]
}

function correlationWords({ correlation, adjusted, verdict }: PredictionRow): string {
  if (correlation === null || adjusted === null) return 'cannot be told (no correlation is defined)'
  const { value, low, high } = correlation
  const range = `95 %: ${digits(low)} to ${digits(high)}`
  const figures = `Spearman ${digits(value)}, ${range}, p ${adjusted.toFixed(3)} adjusted`
  return verdict === 'predicts' ? figures : `cannot be told (${figures})`
}

function changeWords(changes: readonly Change[], words: { left: string; closed: string }): string[] {
  return changes.flatMap(({ state, gaps }) =>
    gaps.map((gap) => {
      const { between, before, after, closed, drawn } = gap
      const part = `${points(closed.value)} points (95 %: ${pointsRange(closed)}; covers ${COVERS[drawn]})`
      return (
        `${between.join(' − ')}, ${how(state)}: ${points(before.value)} points of hit@1 (${pointsRange(before)}), ` +
        `${words.left} ${points(after.value)} (${pointsRange(after)}); ${words.closed}: ` +
        `${isTold(closed) ? part : `cannot be told (${part})`}.`
      )
    }),
  )
}

/** Sections of the page. @param runs for what the stage did to alignment itself */
export function causeMarkdown(causes: Causes, runs: readonly PaperRecord[]): string[] {
  const { prediction, intervention, substitution, remedies } = causes
  const shown = prediction.filter(({ rows }) => rows.length > 0)
  return [
    ...(shown.length === 0
      ? []
      : [`## Do measures of alignment predict scores?\n\n${predictionTable(shown)}`]),
    ...(intervention.length === 0
      ? []
      : [
          `## Does a stage of alignment close the gap?\n\n${gapTable(intervention, 'after the stage', 'closed')}`,
          gainTable(intervention, 'gain by the stage'),
          stageTable(runs),
        ]),
    ...(substitution.length === 0
      ? []
      : [
          '## What is left of the gap without pictures?',
          gapTable(substitution, 'with captions', "the picture side's part"),
          gainTable(substitution, 'gain by captions'),
        ]),
    ...(remedies.length === 0
      ? []
      : [`## What do remedies of the vectors recover?`, ...remedies.map(remedyTable)]),
  ]
}

function remedyTable({ remedy, ...change }: Causes['remedies'][number]): string {
  const label = remedyLabel(remedy)
  return [
    `### ${label}, ${how(change.state)}`,
    ...(change.gaps.length === 0 ? [] : [gapTable([change], label, 'recovered')]),
    gainTable([change], 'gain'),
  ].join('\n\n')
}

function predictionTable(predictions: readonly Prediction[]): string {
  return table(
    ['measure', ...predictions.map(({ set, models }) => `${SETS[set]} (${models})`)],
    [...new Set(predictions.flatMap(({ rows }) => rows.map(({ measure }) => measure)))].map((measure) => [
      labelOf(measure),
      ...predictions.map(({ rows }) => {
        const row = rows.find((one) => one.measure === measure)
        return row === undefined ? '' : correlationWords(row)
      }),
    ]),
  )
}

function gapTable(changes: readonly Change[], left: string, closed: string): string {
  const rows = changes.flatMap(({ state, gaps }) =>
    gaps.map(({ between, drawn, ...gap }: ChangedGap) => [
      between.join(' − '),
      how(state),
      ...[gap.before, gap.after, gap.closed].map(
        (interval) => `${points(interval.value)} (${pointsRange(interval)})`,
      ),
      COVERS[drawn],
      isTold(gap.closed) ? '' : 'cannot be told',
    ]),
  )
  if (rows.length === 0) return 'Only one kind of model has such runs: no gap.'
  return table(['gap', 'models', 'as it is', left, closed, 'intervals cover', ''], rows)
}

function gainTable(changes: readonly Change[], what: string): string {
  return table(
    ['model', 'models', what, 'covers', ''],
    changes.flatMap(({ state, gains }) =>
      gains.map(({ arm, gain, drawn }) => [
        arm,
        how(state),
        `${points(gain.value)} (${pointsRange(gain)})`,
        COVERS[drawn],
        isTold(gain) ? '' : 'cannot be told',
      ]),
    ),
  )
}

/** Whether the stage did what it is for: measures as pretrained, without it and after it. */
function stageTable(runs: readonly PaperRecord[]): string {
  const whole = runs.filter(({ share, mask }) => share === 1 && mask === 'native')
  const staged = whole.filter(({ condition }) => condition === 'aligned-first')
  const shown: readonly MeasureName[] = [...CENTROID_AND_DISTRIBUTION, 'matchedAuc', 'recallImageToText']
  return table(
    ['model, as pretrained', ...shown.map(labelOf)],
    groupBy(staged, ({ arm }) => arm).map((own) => [
      own[0]!.arm,
      ...shown.map((measure) => {
        const pairs = own.flatMap((run) => {
          const plain = whole.find(
            ({ arm, pretraining, condition }) =>
              condition === 'plain' && arm === run.arm && pretraining === run.pretraining,
          )
          const [before, after] = [plain?.untuned.alignment[measure], run.untuned.alignment[measure]]
          return before === undefined || after === undefined ? [] : [[before, after] as const]
        })
        if (pairs.length === 0) return ''
        return `${digits(mean(pairs.map(([before]) => before)))} → ${digits(mean(pairs.map(([, after]) => after)))}`
      }),
    ]),
  )
}

function remedyLabel(remedy: string): string {
  return Object.entries(PAPER_REMEDIES).find(([name]) => name === remedy)?.[1].label ?? remedy
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [
    `| ${heads.join(' | ')} |`,
    `|${heads.map(() => '---').join('|')}|`,
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')
}
