/**
 * @file Makes the results of all measurements. Every list has a fixed order, so that the same
 * numbers give the same bytes.
 */

import type { BootstrapOptions } from '../../foundation/numeric/bootstrap.ts'
import { Thumbnails } from '../../inputs/data/thumbnails.ts'
import { trainedReadouts } from '../../learning/tuning/tunable.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import type { ModelScores } from '../benchmark/evaluate.ts'
import { metricLabels } from '../benchmark/metrics.ts'
import { worstMisses } from '../benchmark/misses.ts'
import {
  apartScore,
  differenceOver,
  meanOver,
  type Scope,
  scopesOf,
  summariseTask,
} from '../benchmark/summary.ts'
import { majorityOf } from '../benchmark/task.ts'
import { failureOf } from '../report/failure.ts'
import { percent, percentRange } from '../report/format.ts'
import { RESULTS_VERSION, type Results, type ResultsModel } from '../report/results.ts'
import { type AnalysisOptions, alignmentOf, mapsOf, measuresOf } from './alignment.ts'
import { criteriaOf } from './criteria.ts'
import { findingOf } from './finding.ts'
import { maskOf, readoutWords } from './names.ts'
import {
  allScores,
  type Baseline,
  candidatesOf,
  comparedPair,
  contenders,
  finalState,
  type Outcome,
} from './outcome.ts'
import type { MeasuredState } from './state.ts'
import { type Tuning, temperatureSpan } from './tuning.ts'

/** Most points of a loss curve. */
const CURVE = 150

/** Computes figures, analysis, maps and words. */
export async function assemble(outcome: Outcome, analysis: AnalysisOptions): Promise<Results> {
  const { setting, world } = outcome
  const options: BootstrapOptions = { seed: setting.seed, resamples: setting.resamples }
  const scores = allScores(outcome)
  const scopes = scopesOf(world.tasks)
  const thumbnails = new Thumbnails()
  for (const { image } of world.pairs) for (const picture of image.image ?? []) thumbnails.indexOf(picture)
  const alignment = await alignmentOf(outcome, analysis)
  const measures = measuresOf()
  const failures = failuresOf(outcome, thumbnails)
  return {
    schemaVersion: RESULTS_VERSION,
    title: titleOf(outcome),
    seed: setting.seed,
    command: outcome.command,
    plan: setting.name,
    world: world.name,
    models: modelsOf(outcome),
    tasks: world.tasks.map((task) => ({
      name: task.name,
      metaTask: task.metaTask,
      shift: task.shift,
      reason: task.reason,
      queries: task.test.length,
      candidates: candidatesOf(task),
      chance: task.chance,
      majority: majorityOf(task),
      instruction: task.test[0]?.query.instruction,
    })),
    metrics: metricLabels(),
    scores: scores.flatMap(({ model, tasks }) =>
      tasks.map((task) => ({ model, ...summariseTask(task, options) })),
    ),
    means: scores.flatMap((each) =>
      scopes.flatMap((scope) => {
        const hit1 = meanOver(each, scope, world.tasks, options)
        return hit1 === undefined ? [] : [{ model: each.model, scope, hit1 }]
      }),
    ),
    differences: differencesOf(outcome, scopes, options),
    measures,
    alignment,
    maps: mapsOf(outcome, setting.seed),
    thumbnails: await thumbnails.encode(),
    failures,
    finding: findingOf(outcome, { alignment, measures }, options),
    criteria: criteriaOf(outcome, options),
    notes: notesOf(outcome, options),
    credits: CREDITS,
  }
}

function titleOf(outcome: Outcome): string {
  const names = (comparedPair(outcome) ?? contenders(outcome).slice(0, 1)).map(({ label }) => label)
  return `${names.join(' and ')} as embedding ${names.length === 1 ? 'model' : 'models'}`
}

/** Misses that are shown of each model. */
const MISSES = 8

function failuresOf({ studied, world }: Outcome, thumbnails: Thumbnails): Results['failures'] {
  return studied.flatMap(({ participant: { id, plain, tuned } }) => {
    const [model, { scores }] = tuned === undefined ? [id, plain] : [`${id}-tuned`, tuned.state]
    return worstMisses(scores, world.tasks, MISSES).map((miss) => failureOf(model, miss, thumbnails))
  })
}

function modelsOf({ setting, studied, baselines }: Outcome): ResultsModel[] {
  const { steps, batch, train, optimizer, loss } = setting.tuning
  const tuningOf = (
    { lossCurve }: Tuning,
    { readout: chosen, dev }: MeasuredState['choice'],
    readouts: Readonly<Record<string, Readout>>,
  ): ResultsModel['tuning'] => ({
    steps,
    batch: batch.size,
    rank: train.method === 'lora' ? train.rank : null,
    learningRate: optimizer.learningRate,
    temperature: temperatureSpan(loss.temperature),
    lossCurve: thinned(lossCurve),
    devChoices: Object.entries(dev).map(([name, hit1]) => ({
      setting: readoutWords(readouts[name]!),
      hit1,
      chosen: name === chosen,
    })),
  })
  const subjects = studied.flatMap(({ participant, label, role, objective, card }): ResultsModel[] => {
    const { id, subject, hash, parameters, plain, tuned } = participant
    const shared = {
      label,
      role,
      family: subject.model.family,
      objective,
      attention: maskOf(subject),
      parameters,
    }
    const before: ResultsModel = {
      ...shared,
      id,
      state: tuned === undefined ? 'none' : 'untuned',
      hash,
      readout: readoutWords(plain.readout),
      ...(card === undefined ? {} : { card }),
    }
    if (tuned === undefined) return [before]
    return [
      before,
      {
        ...shared,
        id: `${id}-tuned`,
        state: 'tuned',
        of: id,
        hash: tuned.tuning.hash,
        readout: readoutWords(tuned.state.readout),
        tuning: tuningOf(tuned.tuning, tuned.state.choice, trainedReadouts(subject)),
      },
    ]
  })
  const controls = studied.flatMap(({ participant: { subject, parameters }, control }): ResultsModel[] =>
    control === undefined
      ? []
      : [
          {
            id: control.id,
            label: `Random, ${maskOf(subject)}`,
            role: 'random-decoder',
            state: 'tuned',
            family: subject.model.family,
            objective: 'none',
            attention: maskOf(subject),
            hash: control.tuning.hash,
            parameters,
            readout: readoutWords(control.readout),
            tuning: tuningOf(control.tuning, control.choice, trainedReadouts(subject)),
          },
        ],
  )
  const plain = {
    state: 'none',
    family: null,
    objective: 'none',
    attention: 'none',
    hash: null,
    parameters: null,
  } as const
  return [
    ...subjects,
    ...controls,
    ...baselines.map(baselineModel),
    ...studied.map(
      ({ participant: { id, tuned }, label }): ResultsModel => ({
        ...plain,
        id: `${id}-shuffled`,
        label: `${label}, shuffled`,
        role: 'shuffled',
        of: tuned === undefined ? id : `${id}-tuned`,
      }),
    ),
    { ...plain, id: 'majority', label: 'Majority', role: 'majority' },
    { ...plain, id: 'chance', label: 'Chance', role: 'chance' },
  ]
}

function baselineModel({ id, label, role, family, hash, parameters }: Baseline): ResultsModel {
  const isModel = role === 'dual-encoder'
  return {
    id,
    label,
    role,
    state: 'none',
    family,
    objective: isModel ? 'contrastive' : 'none',
    attention: isModel ? 'bidirectional' : 'none',
    hash,
    parameters,
  }
}

/** Every so many-th step, and the last. */
function thinned(curve: readonly [number, number][]): [number, number][] {
  const every = Math.max(1, Math.ceil(curve.length / CURVE))
  return curve.filter((_, i) => (curve.length - 1 - i) % every === 0)
}

/**
 * The compared pair at every scope, and as it was before tuning; then tuned − untuned, tuned −
 * control and the last state − dual encoder at the wider scopes.
 */
function differencesOf(
  outcome: Outcome,
  scopes: readonly Scope[],
  options: BootstrapOptions,
): Results['differences'] {
  const { world, studied, baselines } = outcome
  const tasks: Scope[] = world.tasks.map(({ name }) => ({ kind: 'task', task: name }))
  const wide = scopes.filter(({ kind }) => kind !== 'shift')
  const between = (a: ModelScores, b: ModelScores, over: readonly Scope[]) =>
    over.flatMap((scope) => {
      const interval = differenceOver(a, b, scope, world.tasks, options)
      return interval === undefined ? [] : [{ a: a.model, b: b.model, scope, interval }]
    })
  const pair = comparedPair(outcome)
  const before = pair?.flatMap(({ label }) => studied.find((one) => one.label === label) ?? [])
  const [first, second] = before?.filter(({ participant }) => participant.tuned !== undefined) ?? []
  const dual = baselines.find(({ role }) => role === 'dual-encoder')
  return [
    ...(pair === undefined ? [] : between(pair[0].scores, pair[1].scores, [...scopes, ...tasks])),
    ...(first === undefined || second === undefined
      ? []
      : between(first.participant.plain.scores, second.participant.plain.scores, wide)),
    ...studied.flatMap(({ participant: { plain, tuned } }) =>
      tuned === undefined ? [] : between(tuned.state.scores, plain.scores, wide),
    ),
    ...studied.flatMap((each) =>
      each.control === undefined
        ? []
        : between(finalState(each).scores, each.control.scores, [...wide, ...tasks]),
    ),
    ...(dual === undefined
      ? []
      : studied.flatMap((each) => between(finalState(each).scores, dual.scores, wide))),
  ]
}

function notesOf({ setting, studied, world, baselines }: Outcome, options: BootstrapOptions): string[] {
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

const CREDITS = [
  'Pictures: Noto Emoji (Apache-2.0, Google), Twemoji (CC-BY 4.0, Twitter and contributors), OpenMoji ' +
    '(CC-BY-SA 4.0), Fluent Emoji (MIT, Microsoft), EmojiOne 2.3 (CC-BY 4.0), Noto Emoji 1 (Apache-2.0, ' +
    'Google); rasterised and composed into scenes. Words: emojibase (MIT), Unicode CLDR.',
]
